package frontdesk

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Stream is a streamed answer. It is read once, from one goroutine, by [Stream.Events], [Stream.Text], [Stream.Recv] or
// [Stream.Completion].
type Stream struct {
	client *Client
	rpc    grpc.ServerStreamingClient[frontdeskv1.StreamCompleteResponse]
	cancel context.CancelFunc
	fold   fold
	err    error
}

// Recv returns the next event. After the completed event it returns io.EOF. A broken stream gives an [*Error] whose Partial is
// what had come; a stream that ends without completed or breaks the order of events is broken too.
func (s *Stream) Recv() (*frontdeskv1.StreamCompleteResponse, error) {
	if s.err != nil {
		return nil, s.err
	}
	event, err := s.rpc.Recv()
	if err == nil {
		if fault := s.fold.add(event); fault != nil {
			return nil, s.fail(fault)
		}
		return event, nil
	}
	if !errors.Is(err, io.EOF) {
		return nil, s.fail(s.client.errorOf(err, nil))
	}
	if fault := s.fold.end(); fault != nil {
		return nil, s.fail(fault)
	}
	s.err = io.EOF
	s.cancel()
	return nil, io.EOF
}

// Events iterates over the events; the last may be an error. Leaving the loop early cancels the call.
func (s *Stream) Events() iter.Seq2[*frontdeskv1.StreamCompleteResponse, error] {
	return func(yield func(*frontdeskv1.StreamCompleteResponse, error) bool) {
		defer s.Close()
		for {
			event, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Text iterates over the answer's text; never that of one answer after another's. Where a router streams optimistically and another
// model takes over, the last thing is an error with [ReasonAnswerSuperseded]: discard what was shown and call Text again for the
// answer that follows. Leaving the loop early cancels the call, as for [Stream.Events].
func (s *Stream) Text() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for shown := false; ; {
			event, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			if ended := event.GetAttemptEnded(); shown && ended.GetSuperseded() {
				yield("", superseded(ended))
				return
			}
			if text := event.GetTextDelta().GetText(); text != "" {
				shown = true
				if !yield(text, nil) {
					s.Close()
					return
				}
			}
		}
	}
}

// Completion reads what is left of the stream and returns the whole answer, as Complete would have.
func (s *Stream) Completion() (*frontdeskv1.CompleteResponse, error) {
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return s.fold.result(), nil
		} else if err != nil {
			return nil, err
		}
	}
}

// Close cancels the call if it still runs. It may be called more than once and from another goroutine.
func (s *Stream) Close() { s.cancel() }

func (s *Stream) fail(err *Error) error {
	failed := s.fold.fail(err)
	if failed.CompletionID == "" {
		failed.CompletionID = failed.Partial.GetCompletionId()
	}
	s.err = failed
	s.cancel()
	return s.err
}
