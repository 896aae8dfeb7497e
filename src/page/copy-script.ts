/**
 * Puts a button to each block that copies it. The page is whole without it: it only saves a selection. Where the clipboard is
 * refused, the block is selected.
 */
export const copyScript = `'use strict'
const status = document.querySelector('[role=status]')
for (const block of document.querySelectorAll('pre')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = 'Copy'
  button.setAttribute('aria-label', 'Copy ' + block.dataset.label)
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(block.textContent)
      status.textContent = 'Copied'
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy'; status.textContent = '' }, 2000)
    } catch {
      getSelection().selectAllChildren(block)
      status.textContent = 'Selected'
    }
  })
  block.before(button)
}
`
