package frontdesk

import "regexp"

// causes tell why there is no connection in words: gRPC's own tell what failed, not what it means. All clients say the same.
var causes = []struct {
	pattern *regexp.Regexp
	words   string
	plain   bool
}{
	{regexp.MustCompile(`failed to verify certificate|x509:`), "the server's certificate is not trusted", false},
	{regexp.MustCompile(`does not look like a TLS handshake`), "the server does not speak TLS as asked", false},
	{regexp.MustCompile(`connection refused|no such file or directory`), "nobody listens there", false},
	{regexp.MustCompile(`looked like an HTTP/1.1 header`), "the server speaks HTTP there, and gRPC on another port", true},
	{regexp.MustCompile(`no such host|produced zero addresses|name resolver error`), "there is no such name", false},
	{
		regexp.MustCompile(`server preface|connection reset|broken pipe|EOF|use of closed|error reading from server`),
		"the server closes connections in plain text: it may want TLS", true,
	},
}

// inWords puts the cause before the message of an UNAVAILABLE that gRPC itself made.
func inWords(message string, plaintext bool) string {
	for _, cause := range causes {
		if (plaintext || !cause.plain) && cause.pattern.MatchString(message) {
			return cause.words + " (" + message + ")"
		}
	}
	return message
}
