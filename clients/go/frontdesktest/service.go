package frontdesktest

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	frontdesk "github.com/frontdesk/frontdesk/clients/go"
	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

type service struct {
	frontdeskv1.UnimplementedRouterServiceServer
	desk    *Desk
	mutex   sync.Mutex
	decided map[string]*frontdeskv1.GetDecisionResponse
}

// asked is what Route, RouteBatch, Complete and StreamComplete have in common.
type asked interface {
	proto.Message
	GetPolicy() *frontdeskv1.RoutingPolicy
	GetLabels() map[string]string
}

func (s *service) decide(ctx context.Context, request asked) (Answer, *frontdeskv1.Decision, error) {
	s.desk.keep(request)
	answer := s.desk.next()
	// gRPC's own retries rest: a test has said what comes.
	_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "-1"))
	if answer.Code != codes.OK && answer.Text == "" {
		return answer, nil, answer.failure(nil)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	router := request.GetPolicy().GetRouter()
	if router == "" {
		router = "default"
	}
	decision := &frontdeskv1.Decision{
		DecisionId: fmt.Sprintf("%026d", len(s.decided)+1), Model: answer.Model, Reason: "the test said so",
		Router: router, Strategy: "fake", Propensity: 1,
		Plan: []*frontdeskv1.PlanStep{{Model: answer.Model, Kind: frontdeskv1.StepKind_STEP_KIND_PRIMARY}},
	}
	for _, model := range s.desk.Models {
		decision.Candidates = append(decision.Candidates, &frontdeskv1.Candidate{Model: model})
	}
	s.decided[decision.GetDecisionId()] = &frontdeskv1.GetDecisionResponse{Decision: decision, Labels: request.GetLabels()}
	return answer, decision, nil
}

// play gives the events of a completion, or its error after those that came.
func (s *service) play(ctx context.Context, request asked, send func(*frontdeskv1.StreamCompleteResponse) error) error {
	answer, decision, err := s.decide(ctx, request)
	if err != nil {
		return err
	}
	id := decision.GetDecisionId()
	if err := grpc.SetHeader(ctx, metadata.Pairs("x-frontdesk-decision-id", id)); err != nil {
		return err
	}
	cost := &frontdeskv1.Cost{TotalNanoUsd: proto.Int64(answer.CostNanoUsd), AttemptsNanoUsd: proto.Int64(answer.CostNanoUsd)}
	s.mutex.Lock()
	s.decided[id].Cost = cost
	s.mutex.Unlock()
	for _, event := range eventsOf(answer, decision) {
		if err := send(event); err != nil {
			return err
		}
	}
	if answer.Code != codes.OK {
		return answer.failure(&frontdeskv1.CompletionFailure{CompletionId: id, Cost: cost, Committed: true})
	}
	return send(&frontdeskv1.StreamCompleteResponse{Event: &frontdeskv1.StreamCompleteResponse_Completed{
		Completed: &frontdeskv1.Completed{
			Model: answer.Model, FinishReason: frontdeskv1.FinishReason_FINISH_REASON_STOP, Cost: cost,
		},
	}})
}

func eventsOf(answer Answer, decision *frontdeskv1.Decision) []*frontdeskv1.StreamCompleteResponse {
	events := []*frontdeskv1.StreamCompleteResponse{
		{Event: &frontdeskv1.StreamCompleteResponse_Started{
			Started: &frontdeskv1.Started{CompletionId: decision.GetDecisionId(), Decision: decision},
		}},
		{Event: &frontdeskv1.StreamCompleteResponse_AttemptStarted{
			AttemptStarted: &frontdeskv1.AttemptStarted{Model: answer.Model, Kind: frontdeskv1.StepKind_STEP_KIND_PRIMARY},
		}},
	}
	runes := []rune(answer.Text)
	for _, piece := range []string{string(runes[:len(runes)/2]), string(runes[len(runes)/2:])} {
		if piece != "" {
			events = append(events, &frontdeskv1.StreamCompleteResponse{
				Event: &frontdeskv1.StreamCompleteResponse_TextDelta{TextDelta: &frontdeskv1.TextDelta{Text: piece}},
			})
		}
	}
	for i, call := range answer.ToolCalls {
		events = append(events, &frontdeskv1.StreamCompleteResponse{Event: &frontdeskv1.StreamCompleteResponse_ToolCallDelta{
			ToolCallDelta: &frontdeskv1.ToolCallDelta{
				Part: proto.Int32(int32(i + 1)), Index: int32(i),
				Id: call.GetId(), Name: call.GetName(), ArgumentsJson: call.GetArgumentsJson(),
			},
		}})
	}
	return events
}

func (s *service) Route(ctx context.Context, request *frontdeskv1.RouteRequest) (*frontdeskv1.RouteResponse, error) {
	_, decision, err := s.decide(ctx, request)
	return &frontdeskv1.RouteResponse{Decision: decision}, err
}

func (s *service) RouteBatch(
	ctx context.Context, request *frontdeskv1.RouteBatchRequest,
) (*frontdeskv1.RouteBatchResponse, error) {
	response := &frontdeskv1.RouteBatchResponse{}
	for range request.GetQueries() {
		_, decision, err := s.decide(ctx, request)
		if err != nil {
			return nil, err
		}
		result := &frontdeskv1.RouteResult{Result: &frontdeskv1.RouteResult_Decision{Decision: decision}}
		response.Results = append(response.Results, result)
	}
	return response, nil
}

func (s *service) Complete(
	ctx context.Context, request *frontdeskv1.CompleteRequest,
) (*frontdeskv1.CompleteResponse, error) {
	var events []*frontdeskv1.StreamCompleteResponse
	err := s.play(ctx, request, func(event *frontdeskv1.StreamCompleteResponse) error {
		events = append(events, event)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return frontdesk.Fold(func(yield func(*frontdeskv1.StreamCompleteResponse, error) bool) {
		for _, event := range events {
			if !yield(event, nil) {
				return
			}
		}
	})
}

func (s *service) StreamComplete(
	request *frontdeskv1.StreamCompleteRequest, stream grpc.ServerStreamingServer[frontdeskv1.StreamCompleteResponse],
) error {
	return s.play(stream.Context(), request, stream.Send)
}

func (s *service) ReportOutcome(
	ctx context.Context, request *frontdeskv1.ReportOutcomeRequest,
) (*frontdeskv1.ReportOutcomeResponse, error) {
	s.desk.keep(request)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	recorded, err := s.found(request.GetDecisionId())
	if err != nil {
		return nil, err
	}
	outcome := &frontdeskv1.Outcome{
		DecisionId: request.GetDecisionId(), Quality: request.GetQuality(), Source: request.GetSource(), Labels: request.GetLabels(),
	}
	recorded.Outcomes = append(recorded.Outcomes, outcome)
	return &frontdeskv1.ReportOutcomeResponse{Outcome: outcome}, nil
}

func (s *service) GetDecision(
	ctx context.Context, request *frontdeskv1.GetDecisionRequest,
) (*frontdeskv1.GetDecisionResponse, error) {
	s.desk.keep(request)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.found(request.GetDecisionId())
}

func (s *service) ListModels(
	ctx context.Context, request *frontdeskv1.ListModelsRequest,
) (*frontdeskv1.ListModelsResponse, error) {
	s.desk.keep(request)
	response := &frontdeskv1.ListModelsResponse{}
	for _, model := range s.desk.Models {
		response.Models = append(response.Models, &frontdeskv1.Model{Name: model, Available: true})
	}
	return response, nil
}

func (s *service) found(id string) (*frontdeskv1.GetDecisionResponse, error) {
	recorded := s.decided[id]
	if recorded == nil {
		return nil, Answer{Code: codes.NotFound, Reason: frontdesk.ReasonDecisionNotFound}.failure(nil)
	}
	return recorded, nil
}
