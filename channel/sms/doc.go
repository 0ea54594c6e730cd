// Package sms connects text messages by Twilio's protocol, which other
// providers speak too: a signed form webhook in, a REST call out.
//
// It promises that a webhook whose signature does not prove Twilio's (or your
// provider's) knowledge of the auth token leaves no trace but a counter and
// 401; that the empty answer is sent only after the message is on the thread
// durably; and that the same MessageSid makes one event, however often it is
// delivered.
package sms
