package frontdesk

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Explain tells in a few lines of text how a decision came about: what was asked, what every candidate promised or why it was
// excluded, and the plan. The clients of all languages write the same text.
func Explain(decision *frontdeskv1.Decision) string {
	var e explanation
	e.head(decision)
	e.line("asked:")
	for _, step := range decision.GetPath() {
		e.step(step)
	}
	e.line("candidates:")
	for _, candidate := range decision.GetCandidates() {
		e.candidate(candidate)
	}
	e.line("plan:")
	for _, step := range decision.GetPlan() {
		e.plan(step)
	}
	return strings.Join(e.lines, "\n")
}

type explanation struct{ lines []string }

func (e *explanation) line(format string, values ...any) {
	e.lines = append(e.lines, fmt.Sprintf(format, values...))
}

func (e *explanation) head(d *frontdeskv1.Decision) {
	explored := ""
	if d.GetExplored() {
		explored = " (chosen to explore)"
	}
	e.line("%s: %s%s", d.GetModel(), d.GetReason(), explored)
	e.line("decision %s of router %s at %s, strategy %s, propensity %s",
		d.GetDecisionId(), d.GetRouter(), d.GetRouterVersion(), d.GetStrategy(), hundredths(d.GetPropensity()))
	took, cost := "an unknown time", "an unknown amount"
	if d.RouterDuration != nil {
		took = milliseconds(d.RouterDuration)
	}
	if d.RouterCostNanoUsd != nil {
		cost = usd(*d.RouterCostNanoUsd)
	}
	e.line("routing took %s and cost %s", took, cost)
	if d.Signals != nil {
		e.signals(d.Signals)
	}
}

func (e *explanation) signals(s *frontdeskv1.Signals) {
	reasons := ""
	if cues := s.GetDifficultyCues(); len(cues) > 0 {
		reasons = " (" + strings.Join(cues, ", ") + ")"
	}
	facts := []string{
		words(s.GetTask(), "TASK_"),
		"difficulty " + hundredths(s.GetDifficulty()) + reasons,
		fmt.Sprintf("about %d input tokens", s.GetInputTokens()),
	}
	for _, has := range []struct {
		what string
		yes  bool
	}{{"code", s.GetCode()}, {"math", s.GetMath()}, {"tools", s.GetTools()}, {"media", s.GetMedia()}} {
		if has.yes {
			facts = append(facts, "with "+has.what)
		}
	}
	if s.GetLanguage() != "" {
		facts = append(facts, "language "+s.GetLanguage())
	}
	e.line("signals: %s", strings.Join(facts, ", "))
}

func (e *explanation) step(s *frontdeskv1.StrategyStep) {
	facts := []string{strings.TrimSpace(words(s.GetVerdict(), "VERDICT_") + " " + s.GetModel())}
	if s.Confidence != nil {
		facts = append(facts, "confidence "+hundredths(*s.Confidence))
	}
	if s.Duration != nil {
		facts = append(facts, milliseconds(s.Duration))
	}
	if s.CostNanoUsd != nil {
		facts = append(facts, usd(*s.CostNanoUsd))
	}
	e.line("  %s %s%s", s.GetPath(), strings.Join(facts, ", "), after(": ", s.GetReason()))
}

func (e *explanation) candidate(c *frontdeskv1.Candidate) {
	if c.GetExclusionReason() != frontdeskv1.ExclusionReason_EXCLUSION_REASON_UNSPECIFIED {
		reason := words(c.GetExclusionReason(), "EXCLUSION_REASON_")
		e.line("  %s: excluded, %s%s", c.GetModel(), reason, after(": ", c.GetExclusionDetail()))
		return
	}
	var facts []string
	if c.PredictedQuality != nil {
		quality := "quality " + hundredths(*c.PredictedQuality)
		if c.QualityUncertainty != nil {
			quality += " ± " + hundredths(*c.QualityUncertainty)
		}
		facts = append(facts, quality)
	}
	if c.PredictedCostNanoUsd != nil {
		facts = append(facts, usd(*c.PredictedCostNanoUsd))
	}
	if c.PredictedTimeToFirstToken != nil {
		facts = append(facts, "first token in "+milliseconds(c.PredictedTimeToFirstToken))
	}
	if c.Score != nil {
		facts = append(facts, "score "+hundredths(*c.Score))
	}
	if len(facts) == 0 {
		facts = []string{"nothing is predicted"}
	}
	e.line("  %s: %s", c.GetModel(), strings.Join(facts, ", "))
}

func (e *explanation) plan(s *frontdeskv1.PlanStep) {
	condition := ""
	switch s.GetKind() {
	case frontdeskv1.StepKind_STEP_KIND_ESCALATION:
		condition = " if rejected"
	case frontdeskv1.StepKind_STEP_KIND_FALLBACK:
		condition = " if failed"
	}
	mode := ""
	if s.GetStreamMode() != frontdeskv1.StreamMode_STREAM_MODE_UNSPECIFIED {
		mode = words(s.GetStreamMode(), "STREAM_MODE_")
	}
	e.line("  %s%s%s%s", s.GetModel(), condition, after(", check ", s.GetCheck()), after(", ", mode))
}

// after puts a separator before a text that is not empty.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// words makes "timed out" of VERDICT_TIMED_OUT, and "unknown" of a value of a newer server.
func words(value fmt.Stringer, prefix string) string {
	name, known := strings.CutPrefix(value.String(), prefix)
	if !known {
		return "unknown"
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// hundredths rounds half up to two decimals, by the same arithmetic in every language.
func hundredths(value float64) string {
	n := int64(math.Floor(value*100 + 0.5))
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// milliseconds drops what is below a microsecond.
func milliseconds(d *durationpb.Duration) string {
	return decimal(d.AsDuration().Microseconds(), 3) + " ms"
}

func usd(nano int64) string { return decimal(nano, 9) + " USD" }

// decimal writes units of 10^-places exactly, without trailing zeros.
func decimal(units int64, places int) string {
	sign := ""
	if units < 0 {
		sign, units = "-", -units
	}
	digits := fmt.Sprintf("%0*d", places+1, units)
	whole, fraction := digits[:len(digits)-places], strings.TrimRight(digits[len(digits)-places:], "0")
	return sign + whole + after(".", fraction)
}
