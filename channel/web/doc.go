// Package web connects a company's site: Segment's HTTP API for what visitors
// do, a small tracker that speaks it, and the tokens of a click-to-call button.
//
// It promises that an event which was answered with 200 is on the thread
// durably, once by its messageId; that who a visitor claims to be counts only
// as much as it is proved (a user id by userHash, a mail's recipient by a
// signed link, a phone typed in a form as just that); and that card numbers,
// security codes and passwords are never stored, wherever a page puts them.
//
// Write keys are public. What protects the thread is the list of origins, the
// rate limit per address and the bounds of every request.
package web
