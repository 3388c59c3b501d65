// What somebody would write into a field to have it run, and how a page tells that it did. Whatever comes out of a payload as an
// element or an attribute is called `gotyou`, which no id and no token spells, and so is the function that it calls.
export const PAYLOADS = [
  // Elements.
  '<script gotyou>gotyou()</script>',
  '<img gotyou src=x onerror=gotyou()>',
  '<svg gotyou onload=gotyou()><animate gotyou onbegin=gotyou()></svg>',
  '<iframe gotyou srcdoc="<script>parent.gotyou()</script>"></iframe>',
  '<base gotyou href=https://gotyou.test/><link gotyou rel=stylesheet href=https://gotyou.test/gotyou.css>',
  '<meta gotyou http-equiv=refresh content="0;url=https://gotyou.test/">',
  '<form gotyou action=https://gotyou.test/><button gotyou formaction=javascript:gotyou()>gotyou',
  '<math gotyou><mtext><style gotyou><img gotyou src onerror=gotyou()></style></mtext></math>',
  '<b gotyou data-hx-get=/gotyou data-hx-trigger=load>gotyou</b>', // what the script of ours would follow
  // Out of what they stand in.
  '"><script gotyou>gotyou()</script>',
  "'><img gotyou src=x onerror=gotyou()>",
  '" autofocus onfocus=gotyou() gotyou="',
  "' onmouseover=gotyou() gotyou='",
  '" data-hx-get=/gotyou data-hx-trigger=load gotyou="',
  ' onfocus=gotyou() gotyou=gotyou autofocus ',
  '</title><script gotyou>gotyou()</script>',
  '</textarea><script gotyou>gotyou()</script>',
  '</option></select><img gotyou src=x onerror=gotyou()>',
  '</bdi></h1></main><a gotyou href=javascript:gotyou()>gotyou</a>',
  '</style></script><script gotyou>gotyou()</script>',
  '--><script gotyou>gotyou()</script><!-- gotyou',
  ']]><svg gotyou onload=gotyou()><![CDATA[gotyou',
  // Addresses.
  'javascript:gotyou()//',
  'JaVaScRiPt&colon;gotyou()//',
  'data:text/html,<script gotyou>gotyou()</script>',
  '//gotyou.test/%0d%0aset-cookie:gotyou=gotyou',
  // Other languages than HTML.
  'red;}*{display:none}body{background:url(https://gotyou.test/gotyou)}/*gotyou*/',
  '{{gotyou}}{% gotyou %}${gotyou}#{gotyou}<%= gotyou %>',
  '\\x3cscript gotyou\\x3egotyou()\\u003c/script\\u003e',
  // What is no markup must not become any, nor be read twice.
  '&lt;b gotyou&gt;gotyou&lt;/b&gt; &amp;gotyou; &#60;gotyou&#62; %3Cgotyou%3E',
  '＜script gotyou＞gotyou()＜/script＞ <\u00ADscript gotyou>',
]

// Which change the direction of what is around them: for fields that do not refuse that.
export const TURNING = ['got\u202eyou\u202d', 'got\u2066you', '\u200fgot\u061cyou']

// What nothing that is followed or loaded may be: an organization cannot say so.
export const ADDRESSES = [
  'javascript:gotyou()', 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="gotyou()"/>', 'data:text/html,gotyou', 'vbscript:gotyou',
  'http://gotyou.test/gotyou.svg', '//gotyou.test/gotyou.svg', 'blob:gotyou', 'file:///gotyou', 'https://user:gotyou@gotyou.test/',
]
export const COLOURS = ['red', '#0b5fff;}*{display:none}', 'url(https://gotyou.test/)', '#0b5ff', '#gggggg', 'expression(gotyou())', '#0b5fff"gotyou', 'var(--gotyou)']

// A drawing that is also a program: what an organization's own server may send for its logo.
export const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="120" height="40" onload="gotyou()">
<script>gotyou();top.gotyou()</script><foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="javascript:top.gotyou()"/></foreignObject>
<a xlink:href="javascript:gotyou()"><rect width="120" height="40" fill="#0b5fff"/></a></svg>`

// All of them, in as few texts as hold them together, and each by itself. The field is told at the end, so that it is known where
// each came from.
export function texts(field, payloads, length = 200) {
  const end = ` -${field}-`
  const together = ['']
  for (const payload of payloads) {
    const longer = `${together.at(-1)}${payload}`
    if ([...`${longer}${end}`].length > length && together.at(-1)) together.push(payload)
    else together[together.length - 1] = longer
  }
  const of = (list) => list.map((text) => `${text.trim()}${end}`)
  return { together: of(together), single: of(payloads) }
}

// Begins to watch a page for anything that runs, asks, or is refused by its policy.
export function watch(page) {
  const seen = []
  page.on('dialog', (dialog) => (seen.push(`a dialog: ${dialog.message()}`), dialog.dismiss()))
  page.on('pageerror', (error) => seen.push(`an error of a script: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) seen.push(message.text())
  })
  page.on('request', (request) => {
    const { hostname, pathname } = new URL(request.url())
    if (hostname.endsWith('gotyou.test') || pathname === '/gotyou') seen.push(`it asks for ${request.url()}`)
  })
  return () => seen.splice(0)
}

// In the page. What came out of a payload, what is not as it was written, which fields are shown, and which parameters it leads
// on with; whether what was said just now is shown cut off.
export function inspect({ payloads, text }) {
  const wrong = []
  const told = (element) => element.outerHTML.slice(0, 160)
  const isOurs = (address) => new URL(address, document.baseURI).origin === location.origin
  const said = [document.title]
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.COMMENT_NODE) wrong.push(`a comment: ${node.data.slice(0, 160)}`)
    if (node.nodeType === Node.TEXT_NODE) said.push(node.data)
    if (node.nodeType !== Node.ELEMENT_NODE) continue
    const name = node.localName
    if (/gotyou/.test(name) || ['base', 'iframe', 'object', 'embed', 'style', 'math', 'foreignobject', 'animate', 'template'].includes(name)) wrong.push(told(node))
    if (name === 'script' && !(node.getAttribute('src') ?? '').startsWith('/assets/')) wrong.push(told(node))
    if (name === 'link' && !/^\/assets\//.test(node.getAttribute('href'))) wrong.push(told(node))
    if (name === 'meta' && node.httpEquiv && !isOurs(node.content.split('url=')[1] ?? '')) wrong.push(told(node))
    for (const { name: attribute, value } of node.attributes) {
      if (/^on|^style$|^srcdoc$|gotyou|["'<>=]/.test(attribute)) wrong.push(`${attribute}: ${told(node)}`)
      const follows = ['href', 'src', 'action', 'formaction', 'xlink:href', 'data', 'poster', 'background'].includes(attribute)
      if (follows && !/^(https?:|\/(?!\/)|#|\?|$)/.test(value)) wrong.push(`${attribute}=${value.slice(0, 80)}: ${told(node)}`)
      if (!follows) said.push(value)
    }
    if (typeof node.value === 'string') said.push(node.value)
  }
  if (getComputedStyle(document.body).display === 'none') wrong.push('the page is not shown')
  if (globalThis.gotyouRan) wrong.push('a payload ran')
  const squeezed = (text) => text.replaceAll(/\s+/g, ' ').trim()
  const known = payloads.map(squeezed).sort((one, other) => other.length - one.length)
  // All of it, or its beginning, where there is no more room.
  const isVerbatim = (text) => {
    const left = known.reduce((left, payload) => left.replaceAll(payload, ''), squeezed(text))
    if (!left.includes('gotyou')) return true
    return known.some((payload) => {
      for (let length = payload.length - 1; length > 8; length--) {
        if (left.endsWith(payload.slice(0, length))) return !left.slice(0, -length).includes('gotyou')
      }
      return false
    })
  }
  // As it was written, or as a part of an address.
  const decoded = (text) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '))
    } catch {
      return text
    }
  }
  for (const text of new Set(said.filter((text) => text.includes('gotyou')))) {
    if (!isVerbatim(text) && !isVerbatim(decoded(text))) wrong.push(`not as it was written: ${text.slice(0, 400)}`)
  }
  const links = [...document.querySelectorAll('a[href]')].map(({ href }) => URL.parse(href)).filter((url) => url?.origin === location.origin)
  const asked = [...document.querySelectorAll('form:not([method=post]) [name]')].map(({ name }) => name)
  return {
    wrong,
    fields: [...new Set(said.flatMap((text) => text.match(/-[a-z]+-(?= |$|[^-a-z])/g) ?? []))],
    isCut: !!text && [...document.querySelectorAll('input, textarea')].some(({ value }) => value.length > 8 && value !== text && text.startsWith(value)),
    parameters: [...new Set([...links.flatMap(({ searchParams }) => [...searchParams.keys()]), ...asked])],
  }
}
