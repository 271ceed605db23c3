/** Small helpers around the browser's own DOM. Text from hosts only ever becomes text nodes and attribute values. */

/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * The element of index.html with this id.
 * @template {keyof HTMLElementTagNameMap} [Tag='div']
 * @param {string} id
 * @param {Tag} [_tag] what it is, for the type checker
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function byId(id, _tag) {
  return /** @type {HTMLElementTagNameMap[Tag]} */ (document.getElementById(id));
}

/**
 * A new HTML element. Attributes that are null, undefined or false are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * A new SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {(Node | string)[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children);
  return element;
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Builds the element's children from `data`, but only if the data differs from the shown data. Unchanged parts keep
 * their focus, their selection and their place.
 * @template Data
 * @param {Element} element
 * @param {Data} data
 * @param {(data: Data) => (Node | string)[]} build
 */
export function fill(element, data, build) {
  const key = JSON.stringify(data) ?? '';
  if (shown.get(element) === key) return;
  shown.set(element, key);
  element.replaceChildren(...build(data));
}

/**
 * Puts the children in this order, touching only children that are out of place. The focus stays where it is.
 * @param {Element} parent
 * @param {readonly Element[]} children
 */
export function arrange(parent, children) {
  const focused = document.activeElement;
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  // A moved element loses the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}
