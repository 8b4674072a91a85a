/* subfive.js: the click's ID for a landing page. ES5, no eval: any browser, any CSP. */
(function (given) {
  "use strict";
  var w = window, d = document, n = navigator, place = w.location;
  var me = d.currentScript;
  var early = w.subfive, each = [].forEach;
  if (!me || early && early.id) return;

  function attr(name) { return me.getAttribute("data-" + name) || ""; }
  function param(url, name) {
    var m = RegExp("[?&]" + name + "=([^&#]*)").exec(url);
    try { return m ? decodeURIComponent(m[1].replace(/\+/g, " ")) : ""; } catch (e) { return ""; }
  }
  function cookie(name) {
    var m = RegExp("(?:^|; )" + name + "=([^;]*)").exec(d.cookie);
    return m ? m[1] : "";
  }
  function setCookie(name, value, days) {
    d.cookie = name + "=" + value + "; path=/; max-age=" + days * 86400 + "; samesite=lax" + (place.protocol === "https:" ? "; secure" : "");
  }

  var campaign = attr("campaign") || given.c || param(me.src, "c") || param(place.search, "sf_campaign");
  var endpoint = attr("endpoint") || me.src.split(/[?#]/)[0].replace(/[^\/]*$/, "collect");
  var hosts = given.h || {}, slot = attr("slot");
  attr("links").toLowerCase().split(/[\s,]+/).forEach(function (host) { if (host) hosts[host] = hosts[host] || "sub5"; });

  // Consent. Where the law asks first, nothing is kept before the visitor said yes.
  var said = {}, waiting = attr("consent") === "wait", zone = "";
  try { zone = Intl.DateTimeFormat().resolvedOptions().timeZone || ""; } catch (e) { /* an old browser */ }
  var asksFirst = /^(Europe|Atlantic|Arctic)|Nicosia|Famagusta|Ceuta/.test(zone);
  function refused() { return n.globalPrivacyControl || said.ad_user_data === "denied" || said.ad_storage === "denied"; }
  function mayKeep() { return !waiting && !refused() && (!asksFirst || said.ad_user_data === "granted"); }

  // The click's ID: the redirect's, the server's, the one this visit has, or a new one.
  var names = /[?&](?:fbclid|gclid|gbraid|wbraid|ttclid|rdt_cid|sf_campaign)=[^&]+/g;
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
    if (/^[0-7][0-9a-hjkmnp-tv-z]{25}$/i.test(id)) { id = id.toLowerCase(); return; }
    if (server && server.length < 256 && server.indexOf("{") < 0) { id = server; minted = 1; return; }
    if (!refused()) {
      id = "";
      try {
        id = decodeURIComponent(cookie("sf_c"));
        known = JSON.parse(w.localStorage.getItem("sf_c"));
      } catch (e) { /* not allowed */ }
      if (known && known.id && (!ad || known.ad === ad)) { id = known.id; minted = known.minted; return; }
      if (id && !ad && !known) return;
    }
    id = mint();
    minted = fresh = 1;
  }
  function keep() {
    if (!chosen || !mayKeep()) return;
    if (fresh) {
      var v = /^([0-9a-z]{26})\.(\d{1,6})$/.exec(cookie("sf_v"));
      visitor = v ? v[1] + "." + (+v[2] + 1) : id + ".1";
      setCookie("sf_v", visitor, 400);
      fresh = 0;
    }
    setCookie("sf_c", encodeURIComponent(id), 90);
    try { w.localStorage.setItem("sf_c", JSON.stringify({id: id, minted: minted, ad: ad || known && known.id === id && known.ad || ""})); } catch (e) { /* full, or not allowed */ }
  }
  function settle() {
    if (!refused()) { keep(); return; }
    setCookie("sf_c", "", 0);
    setCookie("sf_v", "", 0);
    visitor = "";
    try { w.localStorage.removeItem("sf_c"); } catch (e) { /* nothing there */ }
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
    if (!refused()) ["_fbp", "_fbc", "_ttp", "_rdt_uuid"].forEach(function (name) { if (cookie(name)) all[name] = cookie(name); });
    return all;
  }
  function tell(kind, leaving, url) {
    url = url || place.href;
    if (waiting) { queue.push([kind, leaving, url]); return; }
    var m = {}, all = pixelCookies(), k;
    if (!refused()) for (k in user) m[k] = user[k];
    for (k in all) m[k] = all[k];
    for (k in said) m["consent_" + k] = said[k];
    if (n.globalPrivacyControl) m.sec_gpc = "1";
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
    var parts = m[2].split("&").filter(function (part) { return part.split("=")[0] !== name || !done && (done = 1); }).map(function (part) {
      return part.split("=")[0] === name ? set : part;
    });
    if (!done) parts.push(set);
    return m[1] + "?" + parts.join("&").replace(/^&|&(?=&[^&]*$)/, "") + m[3];
  }
  function filled(link, host) {
    link = link.replace(/(?:\{|%7b)click_id(?:\}|%7d)/gi, encodeURIComponent(id));
    return hosts.hasOwnProperty(host) ? setSlot(link, slot || hosts[host]) : link;
  }
  function fix(a) {
    var before = a.getAttribute("href"), after = before && filled(before, a.host);
    if (after && after !== before) a.setAttribute("href", after);
    return before && hosts.hasOwnProperty(a.host);
  }
  var due = 0;
  function fixAll() { due = 0; each.call(d.links, fix); }
  function onClick(e) {
    var a = e.target;
    while (a && !/^(a|area)$/i.test(a.nodeName)) a = a.parentNode;
    if (a && fix(a)) tell("lp_click", 1);
  }

  // What the page may call.
  function consent(state) {
    var k, answered;
    if (typeof state === "string") state = {ad_user_data: state, ad_personalization: state, ad_storage: state};
    for (k in state) if (/^ad_(user_data|personalization|storage)$/.test(k)) { said[k] = state[k]; answered = 1; }
    if (!answered) return;
    waiting = false;
    settle();
    if (queue.length) queue.splice(0).forEach(function (q) { tell(q[0], q[1], q[2]); });
    else if (told) tell("");
  }
  function googleConsent(e) {
    if (e && e[0] === "consent" && e[2] && (e[1] === "update" || e[1] === "default" && !attr("consent"))) consent(e[2]);
  }
  var api = w.subfive = {
    click: function () { tell("lp_click", 1); },
    identify: function (data) { for (var k in data) user[k] = data[k]; if (told) tell(""); },
    consent: consent,
    link: function (url) { var a = d.createElement("a"); a.href = url; return filled(url, a.host); },
    push: function (call) { api[call[0]].apply(api, [].slice.call(call, 1)); }
  };

  if (/^(granted|denied)$/.test(attr("consent"))) consent(attr("consent"));
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
  d.addEventListener("click", onClick, true);
  d.addEventListener("auxclick", onClick, true);

  var page = place.href.split("#")[0], pushState = w.history.pushState;
  function moved() {
    var now = place.href.split("#")[0];
    if (now !== page) { page = now; tell("lp_view"); }
  }
  w.history.pushState = function () { var r = pushState.apply(this, arguments); moved(); return r; };
  w.addEventListener("popstate", moved);

  function view() {
    tell("lp_view");
    // Pixels make their cookies when they please.
    setTimeout(function () { if (told && JSON.stringify(pixelCookies()) !== pixels) tell(""); }, 3000);
  }
  if (d.prerendering) d.addEventListener("prerenderingchange", view); else view();
})({});
