/** A field for a document: numbered lines, and the lines that the server refuses marked, each with why. */
import { useId, useRef, type Ref } from "react";
import styles from "./CodeEditor.module.css";

export interface LineError {
  /** From 1; undefined for the document as a whole. */
  line: number | undefined;
  message: string;
  where?: string | undefined;
}

interface CodeEditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  errors?: readonly LineError[];
  readOnly?: boolean;
  /** Lines that are shown at least and at most, whatever the text. */
  rows?: readonly [number, number];
}

export function CodeEditor({
  label,
  value,
  onChange,
  errors = [],
  readOnly = false,
  rows = [10, 34],
}: CodeEditorProps) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = value.split("\n");
  const wrong = new Set(errors.map(({ line }) => line));
  const go = (line: number) => {
    const from = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0);
    field.current?.focus();
    field.current?.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  };
  return (
    <div className={styles.editor}>
      <label htmlFor={id}>{label}</label>
      <div className={styles.box} data-wrong={errors.length > 0}>
        <Gutter count={lines.length} wrong={wrong} ref={gutter} />
        <textarea
          id={id}
          ref={field}
          value={value}
          readOnly={readOnly}
          rows={Math.min(Math.max(lines.length + 1, rows[0]), rows[1])}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          aria-invalid={errors.length > 0}
          aria-describedby={errors.length > 0 ? `${id}-errors` : undefined}
          onChange={(event) => onChange(event.target.value)}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      {errors.length > 0 ? (
        <div id={`${id}-errors`} role="alert">
          <ul className={styles.errors}>
            {errors.map(({ line, message, where }, index) => (
              <li key={index}>
                {line === undefined ? null : (
                  <button type="button" onClick={() => go(line)}>
                    Line {line}
                  </button>
                )}
                <span>{message}</span>
                {where ? <code>{where}</code> : null}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}

function Gutter({ count, wrong, ref }: { count: number; wrong: Set<number | undefined>; ref: Ref<HTMLDivElement> }) {
  return (
    <div className={styles.gutter} aria-hidden="true" ref={ref}>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} data-wrong={wrong.has(index + 1)}>
          {index + 1}
        </div>
      ))}
    </div>
  );
}
