package frontdesk

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Fold reads a stream's events to the end and returns the whole answer, as Complete would have. Its error carries what came
// before as Partial.
func Fold(events iter.Seq2[*frontdeskv1.StreamCompleteResponse, error]) (*frontdeskv1.CompleteResponse, error) {
	var f fold
	for event, err := range events {
		if err != nil {
			return nil, f.fail(errorOf(err))
		}
		if err := f.add(event); err != nil {
			return nil, f.fail(err)
		}
	}
	if err := f.end(); err != nil {
		return nil, f.fail(err)
	}
	return f.result(), nil
}

// fold collects events and holds them to their order. What an ended attempt said is forgotten.
type fold struct {
	response  frontdeskv1.CompleteResponse
	started   bool
	running   int
	completed bool

	reasoning map[int32]*frontdeskv1.Reasoning
	texts     map[int32]*spoken
	calls     map[callPlace]*frontdeskv1.ToolCall
	blocks    map[int32]*frontdeskv1.ProviderBlock
	citations map[int32][]*frontdeskv1.Citation
	state     map[int32][]*frontdeskv1.ProviderState
	ofMessage []*frontdeskv1.ProviderState
	logprobs  []*frontdeskv1.TokenLogprob
}

// spoken is a part of text.
type spoken struct {
	text    strings.Builder
	refusal bool
}

// callPlace is the place of a call's part, and the call's among the calls.
type callPlace struct{ part, index int32 }

func (f *fold) add(event *frontdeskv1.StreamCompleteResponse) *Error {
	_, isStarted := event.GetEvent().(*frontdeskv1.StreamCompleteResponse_Started)
	switch {
	case event.GetEvent() == nil: // of a newer server
		return nil
	case f.completed:
		return outOfOrder("an event followed completed")
	case isStarted == f.started:
		return outOfOrder("started must come first and once")
	}
	switch event := event.GetEvent().(type) {
	case *frontdeskv1.StreamCompleteResponse_Started:
		f.started = true
		f.response.CompletionId = event.Started.GetCompletionId()
		f.response.Decision = event.Started.GetDecision()
	case *frontdeskv1.StreamCompleteResponse_AttemptStarted:
		f.forget()
		f.running++
		f.response.Model = event.AttemptStarted.GetModel()
	case *frontdeskv1.StreamCompleteResponse_AttemptEnded:
		f.forget()
		f.running--
		if f.running > 0 {
			f.response.Model = event.AttemptEnded.GetNextModel()
		}
		f.response.Attempts = append(f.response.Attempts, event.AttemptEnded.GetAttempt())
	case *frontdeskv1.StreamCompleteResponse_Completed:
		f.completed = true
		f.response.Model = event.Completed.GetModel()
		f.response.FinishReason = event.Completed.GetFinishReason()
		f.response.Usage = event.Completed.GetUsage()
		f.response.Cost = event.Completed.GetCost()
		f.response.Attempts = event.Completed.GetAttempts()
	default:
		if f.running == 0 {
			return outOfOrder("a delta came outside an attempt")
		}
		f.addDelta(event)
	}
	return nil
}

func (f *fold) addDelta(event any) {
	switch event := event.(type) {
	case *frontdeskv1.StreamCompleteResponse_TextDelta:
		delta := event.TextDelta
		part := valueOf(f.texts, delta.GetPart())
		part.text.WriteString(delta.GetText())
		part.refusal = part.refusal || delta.GetRefusal()
		f.logprobs = append(f.logprobs, delta.GetLogprobs()...)
	case *frontdeskv1.StreamCompleteResponse_ReasoningDelta:
		delta := event.ReasoningDelta
		reasoning := valueOf(f.reasoning, delta.GetPart())
		reasoning.Text += delta.GetText()
		reasoning.Signature += delta.GetSignature()
		reasoning.RedactedData += delta.GetRedactedData()
		reasoning.Dialect = cmp.Or(reasoning.Dialect, delta.GetDialect())
	case *frontdeskv1.StreamCompleteResponse_ProviderBlockDelta:
		delta := event.ProviderBlockDelta
		f.blocks[delta.GetPart()] = delta.GetBlock()
	case *frontdeskv1.StreamCompleteResponse_ProviderStateDelta:
		delta := event.ProviderStateDelta
		if delta.Part == nil {
			f.ofMessage = append(f.ofMessage, delta.GetState())
		} else {
			f.state[delta.GetPart()] = append(f.state[delta.GetPart()], delta.GetState())
		}
	case *frontdeskv1.StreamCompleteResponse_CitationDelta:
		delta := event.CitationDelta
		f.citations[delta.GetPart()] = append(f.citations[delta.GetPart()], delta.GetCitation())
	case *frontdeskv1.StreamCompleteResponse_ToolCallDelta:
		delta := event.ToolCallDelta
		call := valueOf(f.calls, callPlace{delta.GetPart(), delta.GetIndex()})
		call.Id += delta.GetId()
		call.Name += delta.GetName()
		call.ArgumentsJson += delta.GetArgumentsJson()
	}
}

func (f *fold) forget() {
	f.reasoning = map[int32]*frontdeskv1.Reasoning{}
	f.texts = map[int32]*spoken{}
	f.calls = map[callPlace]*frontdeskv1.ToolCall{}
	f.blocks = map[int32]*frontdeskv1.ProviderBlock{}
	f.citations = map[int32][]*frontdeskv1.Citation{}
	f.state = map[int32][]*frontdeskv1.ProviderState{}
	f.ofMessage, f.logprobs = nil, nil
}

func (f *fold) end() *Error {
	if !f.completed {
		return streamError(codes.DataLoss, ReasonStreamCut, "the stream ended without completed; the answer is cut")
	}
	return nil
}

// result is the answer so far.
func (f *fold) result() *frontdeskv1.CompleteResponse {
	f.response.Message = &frontdeskv1.Message{
		Role: frontdeskv1.Role_ROLE_ASSISTANT, Parts: f.parts(), ProviderState: f.ofMessage,
	}
	f.response.Logprobs = f.logprobs
	return &f.response
}

// parts are ordered by their places; where an older server tells none, reasoning, text, and the calls by their index.
func (f *fold) parts() []*frontdeskv1.ContentPart {
	type placed struct {
		place [3]int32
		part  *frontdeskv1.ContentPart
	}
	var all []placed
	for part, reasoning := range f.reasoning {
		content := &frontdeskv1.ContentPart_Reasoning{Reasoning: reasoning}
		all = append(all, placed{[3]int32{part, 0, 0}, &frontdeskv1.ContentPart{Part: content}})
	}
	for part, said := range f.texts {
		content := &frontdeskv1.ContentPart_Text{Text: said.text.String()}
		whole := &frontdeskv1.ContentPart{Part: content, Refusal: said.refusal, Citations: f.citations[part]}
		all = append(all, placed{[3]int32{part, 1, 0}, whole})
	}
	for at, call := range f.calls {
		if call.ArgumentsJson == "" {
			call.ArgumentsJson = "{}"
		}
		content := &frontdeskv1.ContentPart_ToolCall{ToolCall: call}
		all = append(all, placed{[3]int32{at.part, 2, at.index}, &frontdeskv1.ContentPart{Part: content}})
	}
	for part, block := range f.blocks {
		content := &frontdeskv1.ContentPart_ProviderBlock{ProviderBlock: block}
		all = append(all, placed{[3]int32{part, 3, 0}, &frontdeskv1.ContentPart{Part: content}})
	}
	slices.SortFunc(all, func(a, b placed) int { return slices.Compare(a.place[:], b.place[:]) })
	var parts []*frontdeskv1.ContentPart
	for _, one := range all {
		one.part.ProviderState = f.state[one.place[0]]
		parts = append(parts, one.part)
	}
	return parts
}

// fail adds what had come to an error; the server's own account of attempts and cost wins.
func (f *fold) fail(err *Error) *Error {
	err.Partial = f.result()
	if failure := err.Failure; failure != nil {
		err.Partial.Attempts = failure.GetAttempts()
		err.Partial.Cost = failure.GetCost()
	}
	return err
}

func outOfOrder(message string) *Error {
	return streamError(codes.Internal, ReasonStreamOutOfOrder, message)
}

// valueOf is what lies at a key, new where nothing does.
func valueOf[K comparable, V any](values map[K]*V, key K) *V {
	value := values[key]
	if value == nil {
		value = new(V)
		values[key] = value
	}
	return value
}
