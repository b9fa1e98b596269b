package frontdesk

import (
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

	text      strings.Builder
	reasoning *frontdeskv1.Reasoning
	calls     map[int32]*frontdeskv1.ToolCall
	logprobs  []*frontdeskv1.TokenLogprob
}

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
		f.text.WriteString(event.TextDelta.GetText())
		f.logprobs = append(f.logprobs, event.TextDelta.GetLogprobs()...)
	case *frontdeskv1.StreamCompleteResponse_ReasoningDelta:
		if f.reasoning == nil {
			f.reasoning = &frontdeskv1.Reasoning{}
		}
		f.reasoning.Text += event.ReasoningDelta.GetText()
		f.reasoning.Signature += event.ReasoningDelta.GetSignature()
		f.reasoning.RedactedData += event.ReasoningDelta.GetRedactedData()
	case *frontdeskv1.StreamCompleteResponse_ToolCallDelta:
		delta := event.ToolCallDelta
		call := f.calls[delta.GetIndex()]
		if call == nil {
			call = &frontdeskv1.ToolCall{}
			if f.calls == nil {
				f.calls = map[int32]*frontdeskv1.ToolCall{}
			}
			f.calls[delta.GetIndex()] = call
		}
		call.Id += delta.GetId()
		call.Name += delta.GetName()
		call.ArgumentsJson += delta.GetArgumentsJson()
	}
}

func (f *fold) forget() {
	f.text.Reset()
	f.reasoning, f.calls, f.logprobs = nil, nil, nil
}

func (f *fold) end() *Error {
	if !f.completed {
		return streamError(codes.DataLoss, ReasonStreamCut, "the stream ended without completed; the answer is cut")
	}
	return nil
}

// result is the answer so far.
func (f *fold) result() *frontdeskv1.CompleteResponse {
	message := &frontdeskv1.Message{Role: frontdeskv1.Role_ROLE_ASSISTANT}
	add := func(part *frontdeskv1.ContentPart) { message.Parts = append(message.Parts, part) }
	if f.reasoning != nil {
		add(&frontdeskv1.ContentPart{Part: &frontdeskv1.ContentPart_Reasoning{Reasoning: f.reasoning}})
	}
	if f.text.Len() > 0 {
		add(&frontdeskv1.ContentPart{Part: &frontdeskv1.ContentPart_Text{Text: f.text.String()}})
	}
	for _, index := range sortedKeys(f.calls) {
		call := f.calls[index]
		if call.ArgumentsJson == "" {
			call.ArgumentsJson = "{}"
		}
		add(&frontdeskv1.ContentPart{Part: &frontdeskv1.ContentPart_ToolCall{ToolCall: call}})
	}
	f.response.Message = message
	f.response.Logprobs = f.logprobs
	return &f.response
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

func sortedKeys(calls map[int32]*frontdeskv1.ToolCall) []int32 {
	keys := make([]int32, 0, len(calls))
	for key := range calls {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
