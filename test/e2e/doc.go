// Package e2e holds the films and rows of the product as tests: a real node,
// real SIP clients (SIPp, baresip), real RTP, SMTP, webhooks and event
// sockets on the loopback, every port chosen by the system. Nothing of the
// product is faked, and the tests look at it only from outside: by protocol,
// by the desk's API and by /metrics.
//
// newWorld makes what surrounds a node (mail server, SMS provider, robots),
// world.start runs one in this process, world.spawn one in a process of its
// own that can be killed. A component that is missing fails the test with the
// line that installs it.
//
// newBrowser starts a headless Chromium with a tone for a microphone, driven by
// browser/driver.mjs; a tab is a person's own computer. Pictures of every state
// go to test-results/browser; the accessibility trees in browser/aria are
// written anew by -update-aria.
package e2e
