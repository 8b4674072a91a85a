// What the pages do beyond links and forms. All of it is a convenience: without
// it every page can be read and every form be sent.

const $ = (selector, from = document) => from.querySelector(selector)
const all = (selector, from = document) => [...from.querySelectorAll(selector)]

// Copy: from the clipboard's API, or on plain HTTP from a selection.
async function copy(button) {
  const from = button.dataset.text ?? $('pre, code, .url', button.closest('figure') ?? button.parentElement)?.textContent ?? ''
  try {
    await navigator.clipboard.writeText(from)
  } catch {
    const field = document.createElement('textarea')
    field.value = from
    field.className = 'sr'
    document.body.append(field)
    field.select()
    document.execCommand('copy')
    field.remove()
  }
  const label = button.textContent
  button.textContent = 'Copied'
  setTimeout(() => { button.textContent = label }, 1500)
}

// Rows: j and k move, Enter opens.
const rows = () => all('main tbody tr:not(.day)').filter(row => $('a', row))
function move(by) {
  const list = rows()
  if (!list.length) return
  const at = list.findIndex(row => row.classList.contains('at'))
  const row = list[Math.min(Math.max(at + by, 0), list.length - 1)]
  list[at]?.classList.remove('at')
  row.classList.add('at')
  row.tabIndex = -1
  row.focus()
  row.scrollIntoView({ block: 'nearest' })
}

const places = { n: '/', r: '/reports', c: '/conversions', k: '/clicks', i: '/inbound', o: '/outbound', d: '/destinations', s: '/setup', a: '/alerts' }
const letters = { H: '24h', D: 'today', E: 'yesterday', W: '7d', T: '30d', N: '90d', M: 'month', Y: 'year' }

function range(name) {
  const to = new URL(location.href)
  for (const gone of ['since', 'until', 'cursor']) to.searchParams.delete(gone)
  to.searchParams.set('range', name)
  location.assign(to)
}

let leader = -Infinity // when g was pressed
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const typing = event.target.closest('input, textarea, select, [contenteditable]')
  if (event.key === 'Escape') {
    if (typing) return typing.blur()
    const open = $('details.menu[open]')
    if (open) return open.removeAttribute('open')
    const close = $('[data-escape]')
    if (close) close.click()
    return
  }
  if (typing || $('dialog[open]')) return
  if (event.timeStamp - leader < 1500 && places[event.key]) {
    leader = -Infinity
    return location.assign('/admin' + places[event.key])
  }
  leader = -Infinity
  switch (event.key) {
    case '/': event.preventDefault(); return $('#find')?.select()
    case '?': return $('#keys').showModal()
    case 'g': leader = event.timeStamp; return
    case 'j': return move(1)
    case 'k': return move(-1)
    case 'Enter': return event.target === document.activeElement && event.target.matches('tr') && $('a', event.target).click()
    case 'P': return $('[data-pause]')?.click()
    case 'X': return $('[data-compare]')?.click()
    case 'ArrowLeft': return $('[data-previous]')?.click()
    case 'ArrowRight': return $('[data-next]')?.click()
  }
  if (event.shiftKey && letters[event.key] && $('[data-range]')) range(letters[event.key])
})

addEventListener('click', event => {
  const button = event.target.closest('[data-copy], [data-close], [data-keys], [data-all]')
  if (button?.matches('[data-copy]')) copy(button)
  if (button?.matches('[data-close]')) button.closest('.toast').remove()
  if (button?.matches('[data-keys]')) $('#keys').showModal()
  if (button?.matches('[data-all]')) all(`input[name="${button.dataset.all}"]`).forEach(box => { box.checked = button.checked })
  for (const open of all('details.menu[open]')) if (!open.contains(event.target)) open.removeAttribute('open')
})

// A link whose page is to be copied, not opened.
addEventListener('click', async event => {
  const link = event.target.closest('a[data-copy-from]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  link.dataset.text = await (await fetch(link.href)).text()
  copy(link)
})

// A select that says so sends its form.
addEventListener('change', event => { if (event.target.matches('[data-submit]')) event.target.form.requestSubmit() })

// Zones: the list, and the browser's own where nobody chose one.
for (const list of all('[data-zones]')) {
  for (const name of Intl.supportedValuesOf?.('timeZone') ?? []) list.append(new Option(name, name))
}
for (const field of all('[data-own-zone]')) {
  if (!field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone
}

// Tail: rows as they come, as long as the page is looked at. The element names
// the stream in data-tail; a row of it is HTML, put before the element's first.
function tail(list) {
  const pause = $('[data-pause]'), state = $('[data-tail-state]'), dropped = $('[data-dropped]')
  const label = pause?.textContent
  let stream, lost = 0
  const start = () => {
    stream = new EventSource(list.dataset.tail)
    stream.addEventListener('row', event => {
      list.insertAdjacentHTML('afterbegin', event.data)
      while (list.children.length > 500) list.lastElementChild.remove()
    })
    stream.addEventListener('dropped', event => {
      lost += Number(event.data)
      if (dropped) { dropped.hidden = false; dropped.textContent = `${lost} rows came too fast to show; load the page again to see them` }
    })
    stream.onopen = () => { if (state) state.textContent = 'live' }
    stream.onerror = () => {
      if (state) state.textContent = 'waiting for the tracker'
      const gone = stream // an answer that is no stream ends it: then we begin anew
      if (gone.readyState === EventSource.CLOSED) setTimeout(() => { if (stream === gone) start() }, 5000)
    }
  }
  const stop = () => { stream?.close(); stream = undefined; if (state) state.textContent = 'paused' }
  pause?.addEventListener('click', event => {
    event.preventDefault()
    if (stream) { stop(); pause.textContent = 'Go on' } else { start(); pause.textContent = label }
  })
  addEventListener('pagehide', stop)
  start()
}
for (const list of all('[data-tail]')) tail(list)

// Charts: uPlot, loaded only where one is. The data stands in the page, and in
// the table beside it.
async function chart(element) {
  const { series, times, zone } = JSON.parse(element.dataset.chart)
  if (!globalThis.uPlot) await new Promise((done, failed) => {
    const script = document.createElement('script')
    script.src = element.dataset.library
    script.onload = done
    script.onerror = failed
    document.head.append(script)
  })
  const style = getComputedStyle(document.documentElement)
  const paint = name => { const probe = document.createElement('i'); probe.style.color = `var(--${name})`; element.append(probe); const c = getComputedStyle(probe).color; probe.remove(); return c }
  const draw = () => {
    element.replaceChildren()
    const axis = { stroke: paint('ink-3'), grid: { stroke: paint('line'), width: 1 }, ticks: { stroke: paint('line'), width: 1 }, font: `12px ${style.getPropertyValue('--sans')}` }
    const apart = times[1] - times[0], hour = 3600, day = 24 * hour
    const tick = step => new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...(step < day ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' }) })
    const across = {
      ...axis, incrs: [hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day].filter(step => !(step < apart)),
      values: (_, ticks, index, space, step) => ticks.map(t => tick(step).format(t * 1e3)),
    }
    new uPlot({
      width: element.clientWidth, height: 208, tzDate: seconds => uPlot.tzDate(new Date(seconds * 1e3), zone), cursor: { y: false },
      series: [{}, ...series.map(s => ({ label: s.label, stroke: paint(s.color), width: s.dash ? 1.5 : 2, dash: s.dash, points: { show: times.length < 40 } }))],
      axes: [across, { ...axis, size: 64, values: (_, ticks) => ticks.map(t => t.toLocaleString('en-US')) }],
    }, [times, ...series.map(s => s.values)], element)
  }
  draw()
  let width = element.clientWidth
  new ResizeObserver(() => { if (element.clientWidth !== width) { width = element.clientWidth; draw() } }).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
}
for (const element of all('[data-chart]')) chart(element)
