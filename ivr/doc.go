// Package ivr runs call flows: what a caller hears, and what the keys do,
// before a person answers.
//
// A flow is a YAML file. [Parse] reads it strictly and reports every mistake
// at once, each with its line: unknown keys and targets, steps that nothing
// leads to, loops that never wait for the caller, prompts without a text in
// one of the flow's languages, expressions that do not compile. A flow that
// Parse accepted therefore ends, whatever the caller does.
//
// [Run] plays a flow on a [Port] and returns an [Outcome], a value: wait in a
// queue, transfer, hang up. It touches nothing else, so that a flow runs the
// same on a telephone line, in the terminal (ivr/terminal) and in a test.
//
// [Ask] puts the one question that the journey advises when it is nearly sure
// why somebody calls.
//
// # Flows
//
//	languages: [en, it]      # the first is the default
//	timezone: Europe/Rome    # of time.*; default: the machine's
//	start: hello             # default: the first step
//	answer: early            # prompts are early media, and the caller pays from when
//	                         # somebody answers or an answer step on; default: now
//	on_error: desk           # step that ends the flow when something failed
//	prompts:                 # by name; a WAV file of that name goes before the text
//	  welcome: {en: Welcome., it: Benvenuti.}
//	  jingle: file           # a WAV file alone
//	vars: {tries: 0}
//	steps:                   # each does one thing and goes on to the next one below,
//	  hello:                 # or to its own "next"
//	    say: [jingle, welcome]   # names of prompts, or texts by language in place
//	    barge_in: true           # a key ends the prompt and is kept (default)
//	  beep: {play: beep}         # a WAV file
//	  hours:
//	    branch:                  # the first case that holds, else next
//	      - {when: time.hour < 9 or time.weekday == "sunday", next: closed}
//	  main:
//	    menu:
//	      prompt: choose
//	      options: {1: order, 0: desk}   # keys 0-9, "*", "#"
//	      timeout: 5s                    # of silence, after the prompt
//	      retries: 2                     # after the first attempt
//	      invalid: wrong                 # said after a wrong key
//	      no_input: silence              # said after silence
//	      on_fail: desk                  # after the last retry
//	  order:
//	    collect:                 # as menu, and:
//	      prompt: type_order
//	      into: order            # variable that takes the digits, a text
//	      min: 4
//	      max: 8
//	      terminator: "#"        # "#", "*" or none
//	      inter_digit: 3s        # a pause ends the number
//	      accept: vars.order startsWith "4"
//	      secret: false          # true: the outcome's Digits do not tell them
//	      on_fail: desk
//	  paid: {answer: }         # from here on the call is answered
//	  note: {set: {tries: =vars.tries + 1}}   # "=" begins an expression
//	  speak: {language: =context.lang}        # unknown ones change nothing
//	  gold:
//	    enqueue:
//	      queue: sales
//	      skills: [sales, {name: billing, min: 40}, {any: [lang:it, lang:en], drop_after: 1m}]
//	      priority: 5            # -100 to 100
//	      preferred: =context.preferred
//	      hold: 20s              # for the preferred agent alone
//	      attributes: {order: =vars.order}
//	  other: {transfer: {to: "+390612345678"}}
//	  closed: {hangup: goodbye}
//
// Expressions (expr-lang.org) see caller.number, .name, .called, .trunk,
// .attestation, .withheld; context.known, .lang, .tier, .confidence, .status,
// .action, .rule, .reason, .preferred, .attributes["web.step"]; time.hour,
// .minute, .weekday, .date, .clock; vars and lang. They cannot loop, and their
// size is bounded.
package ivr
