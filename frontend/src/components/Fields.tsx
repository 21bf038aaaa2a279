/** Form fields: label, control, help and error, alike everywhere. */
import { useId, type ReactNode } from "react";
import styles from "./Fields.module.css";

interface FieldProps {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

function Field({ label, help, error, children }: FieldProps & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const note = error ?? help;
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": note ? `${id}-note` : undefined, "aria-invalid": error ? true : undefined })}
      {note ? (
        <p id={`${id}-note`} className={error ? styles.error : styles.help}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

interface TextProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "number" | "search" | "url" | "password" | "date" | "datetime-local";
  placeholder?: string;
  required?: boolean;
  autoFocus?: boolean;
  step?: string;
  /** Id of a datalist with suggestions. */
  list?: string;
}

export function TextField({ label, help, error, onChange, type = "text", ...rest }: TextProps) {
  return (
    <Field label={label} help={help} error={error}>
      {(wiring) => (
        <input
          {...wiring}
          {...rest}
          type={type}
          className={styles.control}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

interface AreaProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  /** For YAML, JSON and filters. */
  code?: boolean;
}

export function TextArea({ label, help, error, onChange, code = false, rows = 4, value }: AreaProps) {
  return (
    <Field label={label} help={help} error={error}>
      {(wiring) => (
        <textarea
          {...wiring}
          value={value}
          rows={rows}
          className={`${styles.control ?? ""} ${code ? (styles.code ?? "") : ""}`}
          spellCheck={!code}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

interface SelectProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  /** Pairs of value and label, or values that are their own label. */
  options: readonly (string | { value: string; label: string })[];
}

export function Select({ label, help, error, value, onChange, options }: SelectProps) {
  return (
    <Field label={label} help={help} error={error}>
      {(wiring) => (
        <select {...wiring} className={styles.control} value={value} onChange={(event) => onChange(event.target.value)}>
          {options.map((option) => {
            const { value: of, label: text } = typeof option === "string" ? { value: option, label: option } : option;
            return (
              <option key={of} value={of}>
                {text}
              </option>
            );
          })}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function Checkbox({ label, checked, onChange }: CheckProps) {
  return (
    <label className={styles.check}>
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

/** Fields beside each other where there is room. */
export function FieldRow({ children }: { children: ReactNode }) {
  return <div className={styles.rowOfFields}>{children}</div>;
}
