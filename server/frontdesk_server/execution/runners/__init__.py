"""How a step of a plan is run. One file a kind of step."""

from frontdesk_server.execution.plan import Step
from frontdesk_server.execution.runners.base import Given, Onward, Request, Runner
from frontdesk_server.execution.runners.checked import run_checked
from frontdesk_server.execution.runners.hedged import run_hedged
from frontdesk_server.execution.runners.panel import run_panel
from frontdesk_server.execution.runners.plain import run_plain

__all__ = ["Given", "Onward", "Request", "runner_of"]


def runner_of(step: Step, *, hedged: bool) -> Runner:
    """What runs a step of a request; where that is hedged, so are its steps whose answers nothing judges."""
    if step.cascade is not None:
        return run_panel
    if step.check is not None:
        return run_checked
    return run_hedged if hedged else run_plain
