import { print, type Output, type Stream } from '../output.js'
import { Screen } from '../screen.js'
import type { Style } from '../style.js'
import { seconds } from '../text.js'
import { drawFrame, drawLine } from './frame.js'
import type { DemoOptions } from './options.js'
import type { StoryEvent } from './story.js'
import type { View } from './view.js'

/** Shows the demo while it runs. */
export interface Presenter {
  /** How often it wants to be given a view. */
  readonly intervalMs: number
  /** What is done before and after the load. */
  progress(text: string): void
  event(event: StoryEvent): void
  show(view: View): void
  /** Gives the terminal back. Idempotent. */
  end(): void
}

/** Whatever the terminal itself has put into the line, such as `^C`, gives way. */
const FRESH_LINE = '\r\u001B[K'
const FRAME_MS = 250
const LINE_MS = 2_000

/** A table redrawn in place on a terminal, lines elsewhere; with `--json` stdout is kept for the result. */
export function makePresenter({ plain, json, durationMs }: DemoOptions, output: Output): Presenter {
  const stream = json ? output.err : output.out
  const style = json ? output.errorStyle : output.style
  const live = stream.isTTY === true && !plain && output.env['TERM'] !== 'dumb'
  return live ? livePresenter(stream, style) : linePresenter(stream, Math.min(LINE_MS, durationMs / 4))
}

function livePresenter(stream: Stream, style: Style): Presenter {
  const screen = new Screen(stream)
  return {
    intervalMs: FRAME_MS,
    progress: (text) => { print(stream, `${FRESH_LINE} ${style.dim(style.glyphs.bullet)} ${text}`) },
    event: () => undefined,
    show: (view) => { screen.draw(['', ...drawFrame(view, style, screen.columns)]) },
    end: () => { screen.end() },
  }
}

function linePresenter(stream: Stream, intervalMs: number): Presenter {
  return {
    intervalMs,
    progress: (text) => { print(stream, text) },
    event: ({ atMs, text }) => { print(stream, `${seconds(atMs).padStart(7)}  * ${text}`) },
    show: (view) => { print(stream, drawLine(view)) },
    end: () => undefined,
  }
}
