package frontdesk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

const (
	errorDomain = "frontdesk"
	idKey       = "x-frontdesk-decision-id"
)

// Error is every failure of a call, with all that the server said of it.
//
//	var failed *frontdesk.Error
//	if errors.As(err, &failed) && failed.Reason == frontdesk.ReasonBudgetExhausted { … }
type Error struct {
	// Code is the gRPC status code.
	Code codes.Code
	// Reason is the documented reason such as "UNKNOWN_ROUTER"; the code's name when gRPC itself ended the call.
	Reason string
	// Message is for people.
	Message string
	// Metadata holds particulars such as each model's reason to be excluded.
	Metadata map[string]string
	// Violations are the fields at fault.
	Violations []FieldViolation
	// RetryDelay is how long to wait before the next try; zero when waiting is not known to help.
	RetryDelay time.Duration
	// Failure is what a failed completion did and cost; nil when it failed before any model was called.
	Failure *frontdeskv1.CompletionFailure
	// CompletionID is what GetDecision finds the completion by, also when its deadline has passed; "" when it failed before routing.
	CompletionID string
	// Partial is what a broken stream had brought; nil for other calls.
	Partial *frontdeskv1.CompleteResponse

	cause      error
	fromServer bool
}

// FieldViolation is one field at fault.
type FieldViolation struct {
	// Field is the path in the request such as "query.messages[0].role".
	Field string
	// Description tells what is wrong.
	Description string
	// Reason is the documented reason.
	Reason string
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("frontdesk: %s: %s", e.Reason, e.Message)
}

// Unwrap gives gRPC's error.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.FromError and status.Code see through.
func (e *Error) GRPCStatus() *status.Status { return status.Convert(e.cause) }

// Is lets errors.Is find context.Canceled and context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	return (e.Code == codes.Canceled && target == context.Canceled) ||
		(e.Code == codes.DeadlineExceeded && target == context.DeadlineExceeded)
}

// errorOf translates an error of grpc.
func errorOf(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	st := status.Convert(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		st = status.FromContextError(err)
	}
	e := &Error{Code: st.Code(), Reason: code.Code(st.Code()).String(), Message: st.Message(), cause: err}
	for _, detail := range st.Details() {
		e.fromServer = true
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				e.Reason, e.Metadata = detail.GetReason(), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{v.GetField(), v.GetDescription(), v.GetReason()})
			}
		case *errdetails.RetryInfo:
			e.RetryDelay = detail.GetRetryDelay().AsDuration()
		case *frontdeskv1.CompletionFailure:
			e.Failure, e.CompletionID = detail, detail.GetCompletionId()
		}
	}
	return e
}

// closedError is the error of a call on a client that has been closed.
func closedError() *Error {
	return streamError(codes.FailedPrecondition, ReasonClientClosed, "the client has been closed")
}

// superseded is the error of reading on as if it were one text, where another answer begins.
func superseded(ended *frontdeskv1.AttemptEnded) *Error {
	message := fmt.Sprintf(
		"the answer of %s is superseded; that of %s follows", ended.GetAttempt().GetModel(), ended.GetNextModel(),
	)
	return streamError(codes.Aborted, ReasonAnswerSuperseded, message)
}

// streamError is a fault which the client itself finds.
func streamError(c codes.Code, reason, message string) *Error {
	return &Error{Code: c, Reason: reason, Message: message, cause: status.Error(c, message)}
}
