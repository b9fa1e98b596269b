// Package frontdesk calls Frontdesk, the LLM router, from Go.
//
// A [Client] has one method for each RPC and speaks the generated messages of package frontdeskv1. What it adds to the
// generated code: a connection with good defaults, the events of a streamed answer as an iterator, their fold into the whole
// answer, errors that carry all the server said, and decisions explained as text.
//
// The context of a call carries its deadline, its cancellation and its trace; a cancelled call is aborted down to the
// provider within 100 ms.
package frontdesk
