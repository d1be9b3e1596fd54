/** What a thumb and a screen reader need of a page; everything empty and 0 is good. */
export function layout(page) {
  return page.evaluate(({ width, height }) => {
    const seen = (node) => node.offsetParent && getComputedStyle(node).visibility !== 'hidden';
    const scrolled = (node) => node.closest('.scroll') !== null;
    const fields = [...document.querySelectorAll('button, textarea, input')].filter(seen);
    const inside = ({ left, right, top, bottom }) => left >= 0 && right <= width && top >= 0 && bottom <= height;
    const boxes = fields.map((field) => [field, field.getBoundingClientRect()]);
    const named = (field) => field.ariaLabel || field.textContent.trim() || field.labels?.length;
    const names = (some) => some.map(([field]) => field.id || field.textContent);
    return {
      overflow: Math.max(0, document.documentElement.scrollWidth - width),
      outside: names(boxes.filter(([field, box]) => !scrolled(field) && !inside(box))),
      small: names(boxes.filter(([, box]) => box.width < 44 || box.height < 44)),
      nameless: names(boxes.filter(([field]) => !named(field))),
    };
  }, page.viewportSize());
}
