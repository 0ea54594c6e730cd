// The tracker. filo.load(writeKey), then filo.page(props), filo.track(event,
// props), filo.identify(userId, traits); filo.anonymousId is the visitor.
(function (d, w, n) {
  var src = d.currentScript && d.currentScript.src;
  var base = src ? new URL(src).origin : location.origin;
  var key, user, hash, timer, queue = [];
  function id() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (b) { return (b + 256).toString(16).slice(1); }).join('');
  }
  // First-party cookie, one year.
  var anon = (/(?:^|; )filo_anon=(\w+)/.exec(d.cookie) || [])[1] || id();
  d.cookie = 'filo_anon=' + anon + ';path=/;max-age=31536000;samesite=lax' + (location.protocol == 'https:' ? ';secure' : '');
  // The signed parameter of a link in a mail, sent with every event of this page.
  var cx = new URLSearchParams(location.search).get('cx') || undefined;
  function flush() {
    clearTimeout(timer);
    timer = 0;
    // A beacon takes 64 KB: ten events at a time stay below.
    while (key && queue.length) {
      var body = JSON.stringify({ writeKey: key, sentAt: new Date(), batch: queue.splice(0, 10) });
      if (!(n.sendBeacon && n.sendBeacon(base + '/v1/batch', body))) {
        fetch(base + '/v1/batch', { method: 'POST', body: body, keepalive: true });
      }
    }
  }
  function send(type, more) {
    queue.push(Object.assign({
      type: type, messageId: id(), anonymousId: anon, userId: user, timestamp: new Date(),
      context: { locale: n.language, cx: cx, userHash: hash, page: { path: location.pathname, title: d.title, referrer: d.referrer.split('?')[0] } }
    }, more));
    timer = timer || setTimeout(flush, 150);
  }
  w.filo = {
    anonymousId: anon,
    load: function (k) { key = k; flush(); },
    page: function (p) { send('page', { properties: p }); },
    track: function (e, p) { send('track', { event: e, properties: p }); },
    identify: function (u, t) { user = u || user; hash = (t || {}).userHash || hash; send('identify', { traits: t }); },
    flush: flush
  };
  addEventListener('pagehide', flush);
  d.addEventListener('visibilitychange', function () { if (d.hidden) flush(); });
})(document, window, navigator);
