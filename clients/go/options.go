package frontdesk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// Version is the version of this module; it is part of the user agent.
	Version = "0.1.0"
	// MaxMessageBytes is the longest message sent or received.
	MaxMessageBytes = 64 * 1024 * 1024
	// KeepaliveTime is the silence after which a connection is probed. The server accepts 10 s and more.
	KeepaliveTime = 30 * time.Second
	// KeepaliveTimeout is how long the answer to a probe may take.
	KeepaliveTimeout = 10 * time.Second
	// ServiceConfig balances over all addresses of the target and retries calls that no server has begun to answer. The server
	// forbids a retry that would multiply load with grpc-retry-pushback-ms, which is honoured.
	ServiceConfig = `{
		"loadBalancingConfig": [{"round_robin": {}}],
		"methodConfig": [{
			"name": [{"service": "frontdesk.v1.RouterService"}],
			"retryPolicy": {
				"maxAttempts": 4,
				"initialBackoff": "0.1s",
				"maxBackoff": "2s",
				"backoffMultiplier": 2,
				"retryableStatusCodes": ["UNAVAILABLE"]
			}
		}]
	}`
)

// Option changes how [Dial] connects.
type Option func(*settings) error

type settings struct {
	transport credentials.TransportCredentials
	token     TokenSource
	plaintext bool
	dial      []grpc.DialOption
}

// WithPlaintext connects without TLS, as behind a mesh's sidecar.
func WithPlaintext() Option {
	return func(s *settings) error {
		s.transport, s.plaintext = insecure.NewCredentials(), true
		return nil
	}
}

// WithTLS connects by a TLS configuration of the caller's, such as one with a client certificate.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		s.transport, s.plaintext = credentials.NewTLS(config), false
		return nil
	}
}

// WithRootCertificates trusts the PEM certificates instead of the system's.
func WithRootCertificates(pem []byte) Option {
	return func(s *settings) error {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return errors.New("frontdesk: no certificate found in the PEM bytes")
		}
		return WithTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})(s)
	}
}

// WithToken sends "authorization: Bearer TOKEN" with every call. Spaces and newlines around it are dropped; what no header can carry
// makes [Dial] fail.
func WithToken(token string) Option {
	return func(s *settings) error {
		token, err := clean(token)
		if err != nil {
			return fmt.Errorf("frontdesk: %w", err)
		}
		return WithTokenSource(func(context.Context) (string, error) { return token, nil })(s)
	}
}

// WithTokenSource asks for the token before every call, so that it may expire; the source caches.
func WithTokenSource(source TokenSource) Option {
	return func(s *settings) error {
		s.token = source
		return nil
	}
}

// WithDialOptions adds options of grpc, such as interceptors or a stats handler; they override the defaults.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

// settingsOf applies the options over what the target and the environment say.
func settingsOf(target string, options []Option) (*settings, error) {
	s := &settings{}
	if isLocal(target) {
		options = append([]Option{WithPlaintext()}, options...)
	} else {
		options = append([]Option{WithTLS(&tls.Config{MinVersion: tls.VersionTLS12})}, options...)
	}
	if token := os.Getenv("FRONTDESK_TOKEN"); strings.TrimSpace(token) != "" {
		options = append([]Option{WithToken(token)}, options...)
	}
	for _, option := range options {
		if err := option(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) dialOptions() []grpc.DialOption {
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(s.transport),
		grpc.WithUserAgent("frontdesk-go/" + Version),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: KeepaliveTime, Timeout: KeepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(MaxMessageBytes),
			grpc.MaxCallSendMsgSize(MaxMessageBytes),
		),
	}
	if s.token != nil {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{s.token, s.plaintext}))
	}
	return append(dial, s.dial...)
}
