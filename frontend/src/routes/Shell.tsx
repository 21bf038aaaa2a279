/** What stands around every page: the ways between them, whether it is live, who is signed in. */
import { Link, Outlet } from "@tanstack/react-router";
import {
  Activity,
  Boxes,
  Database,
  FlaskConical,
  GitFork,
  ListChecks,
  Menu,
  Radio,
  RefreshCw,
  ScrollText,
  Settings,
  Waypoints,
  X,
} from "lucide-react";
import { useState } from "react";
import { usePerson } from "../client/access";
import { LiveContext } from "../client/live";
import { Mark } from "../components/Mark";
import { ThemeToggle } from "../components/ThemeToggle";
import { ConnectionBanner } from "../features/events/components/ConnectionBanner";
import { LiveSign } from "../features/events/components/LiveSign";
import { useFreshness } from "../features/events/freshness";
import { Palette } from "../features/search/components/Palette";
import { Person } from "../features/session/components/Person";
import styles from "./Shell.module.css";

const PLACES = [
  { to: "/", label: "Loop", icon: RefreshCw },
  { to: "/datasets", label: "Datasets", icon: Database },
  { to: "/experiments", label: "Experiments", icon: FlaskConical },
  { to: "/models", label: "Models", icon: Boxes },
  { to: "/endpoints", label: "Endpoints", icon: Radio },
  { to: "/monitoring", label: "Monitoring", icon: Activity },
  { to: "/pipelines", label: "Pipelines", icon: GitFork },
  { to: "/jobs", label: "Jobs", icon: ListChecks },
  { to: "/events", label: "Events", icon: ScrollText },
  { to: "/lineage", label: "Lineage", icon: Waypoints },
  { to: "/settings", label: "Settings", icon: Settings },
] as const;

export function Shell() {
  const person = usePerson();
  const { stream, outage, retry } = useFreshness();
  const [open, setOpen] = useState(false);
  return (
    <LiveContext value={stream}>
      <a className={styles.skip} href="#content">
        To the content
      </a>
      <div className={styles.shell}>
        <header className={styles.bar}>
          <button
            type="button"
            className={styles.menu}
            aria-expanded={open}
            aria-controls="places"
            aria-label={open ? "Close the menu" : "Open the menu"}
            onClick={() => setOpen(!open)}
          >
            {open ? <X size={20} aria-hidden /> : <Menu size={20} aria-hidden />}
          </button>
          <Link className={styles.brand} to="/">
            <Mark />
            <span>Millrace</span>
          </Link>
          <LiveSign state={outage ? "away" : stream} />
          <span className={styles.space} />
          <Palette places={PLACES} />
          <ThemeToggle />
          <Person person={person} />
        </header>
        <nav id="places" className={styles.places} data-open={open} aria-label="Pages">
          {PLACES.map(({ to, label, icon: Icon }) => (
            <Link
              key={to}
              to={to}
              className={styles.place}
              activeProps={{ "data-active": true }}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              onClick={() => setOpen(false)}
            >
              <Icon size={17} aria-hidden />
              {label}
            </Link>
          ))}
        </nav>
        <main id="content" className={styles.content} tabIndex={-1}>
          <ConnectionBanner stream={stream} outage={outage} onRetry={retry} />
          <Outlet />
        </main>
      </div>
    </LiveContext>
  );
}
