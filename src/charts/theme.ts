/** Colours of a picture. Text has a contrast of at least 4.5:1 to the card, and marks of at least 3:1 (WCAG 2.2, AA). */
export interface Theme {
  /** The card behind everything: opaque, so that the picture reads the same wherever it is shown. */
  readonly card: string
  readonly text: string
  readonly muted: string
  readonly grid: string
  readonly axis: string
  readonly main: string
  readonly second: string
  /** Opacity of bands. */
  readonly band: number
  readonly parts: Readonly<Record<string, string>>
}

export const themeNames = ['light', 'dark'] as const
export type ThemeName = (typeof themeNames)[number]

export const themes: Readonly<Record<ThemeName, Theme>> = {
  light: {
    card: '#ffffff',
    text: '#1c2128',
    muted: '#57606a',
    grid: '#e6e9ed',
    axis: '#8c959f',
    main: '#1a5fb4',
    second: '#0f7b6c',
    band: 0.22,
    parts: { deep: '#1b3f8b', light: '#4f8fe0', REM: '#8250df', awake: '#bf6a02', 'no stage': '#7d8590' },
  },
  dark: {
    card: '#16191f',
    text: '#e8ebef',
    muted: '#a6b0bb',
    grid: '#2b3038',
    axis: '#69727d',
    main: '#6cb1ff',
    second: '#3fc9b0',
    band: 0.28,
    parts: { deep: '#4678d8', light: '#8cc2ff', REM: '#c29bff', awake: '#f0a64a', 'no stage': '#8b949e' },
  },
}
