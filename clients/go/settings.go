package frontdesk

import "github.com/frontdesk/frontdesk/clients/go/frontdeskv1"

// Setting is one setting of an answer's generation, for [Ask] and [Conversation].
type Setting func(*frontdeskv1.GenerationConfig)

// MaxOutputTokens limits the answer's tokens.
func MaxOutputTokens(most int32) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.MaxOutputTokens = &most }
}

// Temperature of sampling, in [0, 2].
func Temperature(t float64) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.Temperature = &t }
}

// TopP is the mass of nucleus sampling, in (0, 1].
func TopP(p float64) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.TopP = &p }
}

// TopK samples among the so many likeliest tokens.
func TopK(k int32) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.TopK = &k }
}

// StopSequences end the generation; at most 8.
func StopSequences(sequences ...string) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.StopSequences = sequences }
}

// Seed makes sampling repeatable where the provider can.
func Seed(seed int64) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.Seed = &seed }
}

// FrequencyPenalty is in [-2, 2].
func FrequencyPenalty(penalty float64) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.FrequencyPenalty = &penalty }
}

// PresencePenalty is in [-2, 2].
func PresencePenalty(penalty float64) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.PresencePenalty = &penalty }
}

// Logprobs returns the log-probability of every token, and those of so many alternatives.
func Logprobs(alternatives int32) Setting {
	return func(g *frontdeskv1.GenerationConfig) {
		yes := true
		g.Logprobs = &yes
		if alternatives > 0 {
			g.TopLogprobs = &alternatives
		}
	}
}

// Format of the answer, such as a JSON Schema.
func Format(format *frontdeskv1.ResponseFormat) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.ResponseFormat = format }
}

// Reasoning is how much to reason.
func Reasoning(effort frontdeskv1.ReasoningEffort) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.ReasoningEffort = effort }
}

// ReasoningBudget limits the tokens of reasoning; not together with [Reasoning].
func ReasoningBudget(tokens int32) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.ReasoningBudgetTokens = &tokens }
}

// ParallelToolCalls says whether several tools may be called at once.
func ParallelToolCalls(allowed bool) Setting {
	return func(g *frontdeskv1.GenerationConfig) { g.ParallelToolCalls = &allowed }
}
