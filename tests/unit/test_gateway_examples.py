"""The gateways' example configurations: every field is one that the resource has, as its types say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "envoy"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 253}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65_535}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def closed(required: str = "", **properties: Schema) -> Schema:
    """An object of these members, which Kubernetes prunes others of without a word."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def some(items: Schema, most: int = 16) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


TARGETS = some(closed("group kind name", group=TEXT, kind=TEXT, name=TEXT, sectionName=TEXT))
BACKEND = closed("name", group={"type": "string"}, kind=TEXT, name=TEXT, namespace=TEXT, port=PORT)
PARENTS = some(closed("name", group=TEXT, kind=TEXT, name=TEXT, namespace=TEXT, sectionName=TEXT))
HEADERS = some(closed("name value", type=one_of("Exact", "RegularExpression"), name=TEXT, value=TEXT))
EG_BODY = closed(body=one_of("Streamed", "Buffered", "BufferedPartial", "FullDuplexStreamed"))
AGENT_BODY = one_of("None", "Buffered", "BufferedPartial", "FullDuplexStreamed")
SEND = one_of("Send", "Skip")

SPECS: dict[tuple[str, str], Schema] = {
    ("gateway.envoyproxy.io/v1alpha1", "EnvoyExtensionPolicy"): closed(
        "targetRefs",
        targetRefs=TARGETS,
        extProc=some(
            closed(
                "backendRefs",
                backendRefs=some(BACKEND | {"required": ["name", "port"]}, 1),
                failOpen={"type": "boolean"},
                messageTimeout=DURATION,
                processingMode=closed(request=EG_BODY, response=EG_BODY, allowModeOverride={"type": "boolean"}),
            )
        ),
    ),
    ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy"): closed(
        "targetRefs", targetRefs=TARGETS, connection=closed(bufferLimit={"type": "string", "pattern": r"^\d+[KMG]i$"})
    ),
    ("aigateway.envoyproxy.io/v1alpha1", "AIGatewayRoute"): closed(
        "rules",
        parentRefs=PARENTS,
        rules=some(
            closed(
                matches=some(closed(headers=HEADERS)),
                backendRefs=some(
                    closed("name", name=TEXT, modelNameOverride=TEXT, weight=PORT, priority={"type": "integer"})
                ),
            )
        ),
    ),
    ("aigateway.envoyproxy.io/v1alpha1", "AIServiceBackend"): closed(
        "schema backendRef",
        schema=closed("name", name=one_of("OpenAI", "AWSBedrock", "AzureOpenAI", "Anthropic"), version=TEXT),
        backendRef=BACKEND,
    ),
    ("agentgateway.dev/v1alpha1", "AgentgatewayPolicy"): closed(
        "targetRefs",
        targetRefs=TARGETS,
        traffic=closed(
            phase=one_of("PreRouting", "PostRouting"),
            extProc=closed(
                "backendRef",
                backendRef=BACKEND,
                processingOptions=closed(
                    requestHeaderMode=SEND,
                    requestBodyMode=AGENT_BODY,
                    requestTrailerMode=SEND,
                    responseHeaderMode=SEND,
                    responseBodyMode=AGENT_BODY,
                    responseTrailerMode=SEND,
                    allowModeOverride={"type": "boolean"},
                ),
            ),
        ),
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): closed(
        "rules",
        parentRefs=PARENTS,
        rules=some(closed(matches=some(closed(headers=HEADERS)), backendRefs=some(BACKEND))),
    ),
    ("v1", "Service"): closed(
        "ports",
        selector={"type": "object"},
        ports=some(closed("port", name=TEXT, port=PORT, targetPort=PORT, appProtocol=one_of("kubernetes.io/h2c"))),
    ),
}

EXAMPLES = [
    pytest.param(resource, id=f"{path.stem}-{resource['kind']}")
    for path in sorted(FOLDER.glob("*gateway.yaml"))
    for resource in yaml.safe_load_all(path.read_text())
]


@pytest.mark.parametrize("resource", EXAMPLES)
def test_every_field_is_one_of_the_resource(resource: dict[str, Any]) -> None:
    spec = SPECS[resource["apiVersion"], resource["kind"]]
    document = closed("metadata spec", apiVersion=TEXT, kind=TEXT, metadata=closed("name", name=TEXT, namespace=TEXT))
    document["properties"]["spec"] = spec
    jsonschema.Draft202012Validator(document).validate(resource)


def test_there_are_examples_of_both_gateways() -> None:
    assert len(EXAMPLES) >= 8
