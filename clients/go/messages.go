package frontdesk

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/frontdesk/frontdesk/clients/go/frontdeskv1"
)

// Ask makes the query of one user message.
func Ask(text string, settings ...Setting) *frontdeskv1.Query {
	return Conversation([]*frontdeskv1.Message{User(text)}, settings...)
}

// Conversation makes the query of several messages, oldest first.
func Conversation(messages []*frontdeskv1.Message, settings ...Setting) *frontdeskv1.Query {
	query := &frontdeskv1.Query{Messages: messages}
	if len(settings) > 0 {
		query.Generation = &frontdeskv1.GenerationConfig{}
	}
	for _, set := range settings {
		set(query.Generation)
	}
	return query
}

// System makes instructions of the application.
func System(text string) *frontdeskv1.Message {
	return say(frontdeskv1.Role_ROLE_SYSTEM, text)
}

// User makes what the end user says.
func User(text string) *frontdeskv1.Message {
	return say(frontdeskv1.Role_ROLE_USER, text)
}

// Assistant makes what the LLM said. Pass a completion's own message where there is one: it keeps tool calls and reasoning.
func Assistant(text string) *frontdeskv1.Message {
	return say(frontdeskv1.Role_ROLE_ASSISTANT, text)
}

// ToolResult makes what a called tool returned.
func ToolResult(toolCallID, content string) *frontdeskv1.Message {
	result := &frontdeskv1.ToolResult{ToolCallId: toolCallID, Content: content}
	part := &frontdeskv1.ContentPart{Part: &frontdeskv1.ContentPart_ToolResult{ToolResult: result}}
	return &frontdeskv1.Message{Role: frontdeskv1.Role_ROLE_TOOL, Parts: []*frontdeskv1.ContentPart{part}}
}

// Text joins the text parts of a message.
func Text(message *frontdeskv1.Message) string {
	var text string
	for _, part := range message.GetParts() {
		text += part.GetText()
	}
	return text
}

// ToJSON writes a message of the contract in protobuf's own mapping: 64-bit integers are strings.
func ToJSON(message proto.Message) (string, error) {
	written, err := protojson.Marshal(message)
	return string(written), err
}

func say(role frontdeskv1.Role, text string) *frontdeskv1.Message {
	part := &frontdeskv1.ContentPart{Part: &frontdeskv1.ContentPart_Text{Text: text}}
	return &frontdeskv1.Message{Role: role, Parts: []*frontdeskv1.ContentPart{part}}
}
