package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filo/bench/robot"
	"filo/media"
	"filo/sip"
)

// callerEnv makes the test binary a caller, see farCaller.
const callerEnv = "FILO_E2E_CALLER"

// callerMain calls 100 at the server and tells what happens, a line each:
// "answered ADDRESS" (where to send RTP), "heard" (the agent's tone, and
// farPackets in all), "ended" (the far side hung up) or, after the line
// "hangup" on in, "bye"; at last "stats IN LOST". It returns the exit code.
func callerMain(args []string, in io.Reader, out io.Writer) int {
	if err := farCall(args[0], args[1], args[2], in, out); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "caller:", err)
		return 1
	}
	return 0
}

// farPackets is how much a caller hears before it says so: 1 s.
const farPackets = 50

var errNeverEnded = errors.New("the call does not end")

func farCall(bind, server, from string, in io.Reader, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	kit, err := robot.NewKit(ctx, robot.Config{Bind: bind})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kit.Close()) }()
	ep, offer, err := kit.Media.Offer(ctx, media.Options{}, media.RTP)
	if err != nil {
		return err
	}
	meter := kit.Media.Meter(ep, agentHz)
	leg, err := kit.UA.Invite(ctx, sip.Target{URI: "sip:100@" + kit.Domain, Destination: server}, sip.InviteOptions{From: from, SDP: offer})
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	if err := ep.Accept(leg.RemoteSDP()); err != nil {
		return err
	}
	_, conn, _ := strings.Cut(string(leg.RemoteSDP()), "c=IN IP4 ")
	conn, _, _ = strings.Cut(conn, "\r\n")
	_, _ = fmt.Fprintln(out, "answered", conn)
	kit.Go(func() { _ = ep.Play(ctx, robot.Tone(callerHz).Looped()) }) // ends with the endpoint
	if _, err := meter.Wait(ctx, agentHz); err != nil {
		return fmt.Errorf("the agent: %w", err)
	}
	for ep.Stats().PacketsIn < farPackets {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the agent's audio: %w", ctx.Err())
		case <-time.After(soon):
		}
	}
	_, _ = fmt.Fprintln(out, "heard")

	told := make(chan struct{})
	go func() { // ends with this process
		defer close(told)
		_, _ = bufio.NewReader(in).ReadString('\n') // "hangup", or the test is over
	}()
	select {
	case <-leg.Done():
		_, _ = fmt.Fprintln(out, "ended")
	case <-told:
		if err := leg.Hangup(ctx, sip.Hangup{}); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, "bye")
	case <-time.After(patience):
		return errNeverEnded
	}
	s := ep.Stats()
	_, _ = fmt.Fprintln(out, "stats", s.PacketsIn, s.Lost)
	return nil
}
