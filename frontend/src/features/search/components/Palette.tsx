/** Everything by its name: opened with Ctrl-K or ⌘K, moved through with the arrows. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useEffect, useState, type KeyboardEvent } from "react";
import { Dialog } from "../../../components/Dialog";
import { placeOf } from "../../../lib/places";
import { searchQuery } from "../api";
import styles from "./Palette.module.css";

interface Place {
  to: string;
  label: string;
}

export function Palette({ places }: { places: readonly Place[] }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return (
    <>
      <button type="button" className={styles.opener} onClick={() => setOpen(true)}>
        <Search size={16} aria-hidden />
        <span>Search</span>
        <kbd aria-hidden>Ctrl K</kbd>
      </button>
      <Dialog title="Go to" open={open} onClose={() => setOpen(false)}>
        <Finder places={places} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Finder({ places, onDone }: { places: readonly Place[]; onDone: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const q = text.trim();
  const hits = useQuery(searchQuery(q)).data?.hits ?? [];
  const found = [
    ...places
      .filter(({ label }) => label.toLowerCase().includes(q.toLowerCase()))
      .map(({ to, label }) => ({ to, label, about: "page" })),
    ...(q ? hits : []).flatMap(({ kind, name, path, detail }) => {
      const to = placeOf(path);
      return to ? [{ to, label: name, about: detail ? `${kind} · ${detail}` : kind }] : [];
    }),
  ];
  const chosen = Math.min(at, found.length - 1);
  const go = (to: string | undefined) => {
    if (!to) return;
    onDone();
    // Where one came to is what one goes on from.
    void navigate({ to }).then(() => document.getElementById("content")?.focus());
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length > 0) {
      event.preventDefault();
      setAt((chosen + step + found.length) % found.length);
    } else if (event.key === "Enter") go(found[chosen]?.to);
  };
  return (
    <>
      <input
        className={styles.input}
        role="combobox"
        aria-label="Name or id"
        aria-expanded
        aria-controls="found"
        aria-activedescendant={found.length > 0 ? `found-${chosen}` : undefined}
        placeholder="A name, or the beginning of an id"
        autoFocus
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul id="found" role="listbox" aria-label="Found" className={styles.found}>
        {found.map(({ to, label, about }, index) => (
          <li
            key={`${to} ${label}`}
            id={`found-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => setAt(index)}
            onClick={() => go(to)}
          >
            <span>{label}</span>
            <small>{about}</small>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p>Nothing is called so.</p> : null}
    </>
  );
}
