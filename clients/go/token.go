package frontdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TokenSource is asked for the token before every call, so that it may expire; it caches.
type TokenSource func(context.Context) (string, error)

// bearer sends a token. Over plaintext only where plaintext was asked for, as behind a mesh's sidecar, or on this machine.
type bearer struct {
	source    TokenSource
	plaintext bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.source(ctx)
	if err == nil {
		token, err = clean(token)
	}
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, "no token: "+err.Error())
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return !b.plaintext }

// clean drops the space around a token, such as the newline at the end of a key file, and refuses what no header carries. The
// error tells the place, never the token.
func clean(token string) (string, error) {
	trimmed := strings.TrimSpace(token)
	if trimmed == "" {
		return "", errors.New("the token is empty")
	}
	place := 0
	for _, character := range trimmed {
		place++
		if character < '!' || character > '~' {
			return "", fmt.Errorf("the token cannot be sent: character %d is %U", place, character)
		}
	}
	return trimmed, nil
}
