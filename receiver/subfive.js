/* subfive.js: the click's ID for a landing page. ES5, no eval: any browser, any CSP. */
(function (given) {
  var w = window, d = document, n = navigator, place = w.location;
  var me = d.currentScript;
  var early = w.subfive, each = [].forEach;
  if (!me || early && early.id) return;

  function on(target, event, call) { target.addEventListener(event, call, true); }
  function attr(name) { return me.getAttribute("data-" + name) || ""; }
  function param(url, name) {
    try { return decodeURIComponent(RegExp("[?&]" + name + "=([^&#]*)").exec(url)[1].replace(/\+/g, " ")); } catch (e) { return ""; }
  }
  function cookie(name) {
    return (RegExp("(^|; )" + name + "=([^;]*)").exec(d.cookie) || [])[2] || "";
  }
  function setCookie(name, value, days) {
    d.cookie = name + "=" + value + ";path=/;max-age=" + days * 86400 + ";samesite=lax" + (/^https/.test(place) ? ";secure" : "");
  }

  var campaign = attr("campaign") || given.c || param(place.search, "sf_campaign");
  var endpoint = attr("endpoint") || me.src.replace(/[^\/]*([?#].*)?$/, "collect");
  var hosts = given.h || {}, slot = attr("slot");
  attr("links").toLowerCase().split(/[\s,]+/).forEach(function (host) { if (host) hosts[host] = hosts[host] || "sub5"; });

  // Consent. Where the law asks first, nothing is kept before the visitor said yes.
  var gpc = n.globalPrivacyControl, said = {}, waiting = attr("consent") === "wait", held, zone = "";
  try { zone = Intl.DateTimeFormat().resolvedOptions().timeZone || ""; } catch (e) { /* an old browser */ }
  var asksFirst = /^(Europe|Atlantic|Arctic)|Nicosia|Ceuta/.test(zone);
  function refused() { return gpc || said.ad_user_data === "denied" || said.ad_storage === "denied"; }
  function mayKeep() { return !waiting && !refused() && (!asksFirst || said.ad_user_data === "granted"); }

  // The click's ID: the redirect's, the server's, the one this visit has, or a new one.
  var names = /[?&](fbclid|gclid|[gw]braid|ttclid|rdt_cid|sf_campaign)=[^&]+/g;
  var ad = (place.search.match(names) || []).join(""), id = param(place.search, "cid"), minted = 0, fresh = 0, visitor = "", known, chosen;
  function mint() {
    var letters = "0123456789abcdefghjkmnpqrstvwxyz", ms = Date.now(), random = new Uint8Array(16), s = "", i;
    w.crypto.getRandomValues(random);
    for (i = 0; i < 10; i++, ms = Math.floor(ms / 32)) s = letters.charAt(ms % 32) + s;
    for (i = 0; i < 16; i++) s += letters.charAt(random[i] & 31);
    return s;
  }
  function choose() {
    var server = attr("click-id");
    if (/^[0-7][\da-hjkmnp-tv-z]{25}$/i.test(id)) { id = id.toLowerCase(); return; }
    if (server && server.length < 256 && server.indexOf("{") < 0) { id = server; minted = 1; return; }
    if (!refused()) {
      id = "";
      try {
        id = decodeURIComponent(cookie("sf_c"));
        known = JSON.parse(w.localStorage.sf_c || null);
      } catch (e) { /* not allowed */ }
      if (known && known.id && (!ad || known.ad === ad)) { id = known.id; minted = known.minted; return; }
      if (id && !ad && !known) return;
    }
    id = mint();
    minted = fresh = 1;
  }
  function box(text) {
    try { if (text) w.localStorage.sf_c = text; else delete w.localStorage.sf_c; } catch (e) { /* full, or not allowed */ }
  }
  function keep() {
    if (!chosen || !mayKeep()) return;
    if (fresh) {
      var v = /^(\w{26})\.(\d+)$/.exec(cookie("sf_v"));
      visitor = v ? v[1] + "." + (+v[2] + 1) : id + ".1";
      setCookie("sf_v", visitor, 400);
      fresh = 0;
    }
    setCookie("sf_c", encodeURIComponent(id), 90);
    box(JSON.stringify({id: id, minted: minted, ad: ad || known && known.id === id && known.ad || ""}));
  }
  function settle() {
    if (!refused()) { keep(); return; }
    setCookie("sf_c", "", 0);
    setCookie("sf_v", "", 0);
    visitor = "";
    box("");
  }

  // What we tell. A page that goes away uses a beacon; else fetch, which says whether it arrived.
  var user = {}, queue = [], told = 0, pixels = "";
  function beacon(body) {
    return n.sendBeacon && n.sendBeacon(endpoint, body);
  }
  function post(body, leaving) {
    function again() { setTimeout(beacon, 3000, body); }
    if ((leaving || !w.fetch) && beacon(body)) return;
    w.fetch(endpoint, {method: "POST", body: body, keepalive: true}).then(function (r) { if (r.status > 499) again(); }, again);
  }
  function pixelCookies() {
    var all = {};
    if (!refused()) "_fbp,_fbc,_ttp,_rdt_uuid".split(",").forEach(function (name) { if (cookie(name)) all[name] = cookie(name); });
    return all;
  }
  function tell(kind, leaving, url) {
    url = url || place.href;
    if (waiting) { queue.push([kind, leaving, url]); return; }
    var m = {}, all = pixelCookies(), k;
    if (!refused()) for (k in user) m[k] = user[k];
    for (k in all) m[k] = all[k];
    for (k in said) m["consent_" + k] = said[k];
    if (gpc) m.sec_gpc = "1";
    if (visitor) m.sf_v = visitor;
    m.click_id = id; m.kind = kind; m.url = url; m.referrer = d.referrer; m.campaign = campaign;
    if (minted) m.minted = 1;
    if (told) m.again = 1;
    told = 1;
    pixels = JSON.stringify(all);
    post(JSON.stringify(m), leaving);
  }

  // Links. A slot is set where it stands, every other byte stays.
  function setSlot(link, name) {
    var m = /^([^?#]*)\??([^#]*)(.*)$/.exec(link), set = name + "=" + encodeURIComponent(id), done;
    var parts = [];
    m[2].split("&").forEach(function (part) {
      if (part.split("=")[0] !== name) parts.push(part);
      else if (!done) done = parts.push(set);
    });
    if (!done) parts.push(set);
    return m[1] + "?" + parts.join("&").replace(/^&|&(?=&[^&]*$)/, "") + m[3];
  }
  function filled(link, host) {
    link = link.replace(/(\{|%7b)click_id(}|%7d)/gi, encodeURIComponent(id));
    return hosts[host] ? setSlot(link, slot || hosts[host]) : link;
  }
  function fix(a) {
    var before = a.getAttribute("href"), after = before && filled(before, a.host);
    if (after && after !== before) a.setAttribute("href", after);
    return before && hosts[a.host];
  }
  var due = 0;
  function fixAll() { due = 0; each.call(d.links, fix); }
  function onClick(e) {
    var a = e.target.closest && e.target.closest("a,area");
    if (a && fix(a)) tell("lp_click", 1);
  }

  // What the page may call.
  function consent(state, leaving) {
    var k, answered;
    if (typeof state === "string") state = {ad_user_data: state, ad_personalization: state, ad_storage: state};
    for (k in state) if (/^ad_(user_data|personalization|storage)$/.test(k)) { said[k] = state[k]; answered = 1; }
    if (!answered) return;
    waiting = held = 0;
    settle();
    if (queue.length) queue.splice(0).forEach(function (q) { tell(q[0], leaving || q[1], q[2]); });
    else if (told) tell("");
  }
  function googleConsent(e) {
    if (!e || e[0] !== "consent" || !e[2]) return;
    if (e[1] === "update") consent(e[2]);
    // A default is no answer yet: a denial holds until there is one, or the visitor leaves.
    else if (!attr("consent") && !told && (!e[2].region || asksFirst)) /denied/.test(e[2].ad_user_data + e[2].ad_storage) ? waiting = held = e[2] : consent(e[2]);
  }
  var api = w.subfive = {
    click: function () { tell("lp_click", 1); },
    identify: function (data) { for (var k in data) user[k] = data[k]; if (told) tell(""); },
    consent: consent,
    link: function (url) { var a = d.createElement("a"); a.href = url; return filled(url, a.host); },
    push: function (call) { api[call[0]].apply(api, [].slice.call(call, 1)); }
  };

  if (attr("consent") && !waiting) consent(attr("consent"));
  var layer = w.dataLayer = w.dataLayer || [], push = layer.push;
  each.call(layer, googleConsent);
  choose();
  api.id = id;
  chosen = 1;
  settle();
  layer.push = function () { each.call(arguments, googleConsent); return push.apply(layer, arguments); };
  if (early && early.length) each.call(early, api.push);

  fixAll();
  new MutationObserver(function () { if (!due) due = setTimeout(fixAll, 0); })
    .observe(d, {childList: true, subtree: true, attributeFilter: ["href"]});
  on(d, "click", onClick);
  on(d, "auxclick", onClick);

  var page = place.href.split("#")[0], pushState = w.history.pushState;
  function moved() {
    var now = place.href.split("#")[0];
    if (now !== page) { page = now; tell("lp_view"); }
  }
  w.history.pushState = function () { var r = pushState.apply(this, arguments); moved(); return r; };
  on(w, "popstate", moved);
  on(w, "pagehide", function () { if (held) consent(held, 1); });

  function view() {
    tell("lp_view");
    // Pixels make their cookies when they please.
    setTimeout(function () { if (told && JSON.stringify(pixelCookies()) !== pixels) tell(""); }, 3000);
  }
  if (d.prerendering) on(d, "prerenderingchange", view); else view();
})({});
