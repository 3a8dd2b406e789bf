// Controls without an accessible name, and ids that are used twice.
() => {
  const wrong = [];
  for (const node of document.querySelectorAll('button, input, select, textarea, a[href], audio, [role=tabpanel], [role=region], dialog')) {
    if (node.closest('template, [hidden], dialog:not([open])') || node.classList.contains('hidden')) continue;
    const label = node.getAttribute('aria-label') || (node.labels && [...node.labels].map((l) => l.textContent).join(''))
      || node.textContent || (node.getAttribute('aria-labelledby') && document.getElementById(node.getAttribute('aria-labelledby')).textContent);
    if (!(label || '').trim()) wrong.push(node.outerHTML.slice(0, 100));
  }
  const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
  return wrong.concat(ids.filter((id, i) => ids.indexOf(id) !== i));
}
