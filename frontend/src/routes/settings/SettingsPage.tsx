/** The installation itself: its parts, what it holds, who may do what. */
import { Page } from "../../components/Page";
import { Tabs } from "../../components/Tabs";
import { About } from "../../features/settings/components/About";
import { Roles } from "../../features/settings/components/Roles";
import { Storage } from "../../features/settings/components/Storage";
import { Tokens } from "../../features/settings/components/Tokens";
import { Webhooks } from "../../features/webhooks/components/Webhooks";

export function SettingsPage() {
  return (
    <Page title="Settings">
      <Tabs
        label="Parts of the settings"
        parts={[
          { id: "about", label: "About", show: () => <About /> },
          { id: "tokens", label: "Tokens", show: () => <Tokens /> },
          { id: "webhooks", label: "Webhooks", show: () => <Webhooks /> },
          { id: "roles", label: "Roles", show: () => <Roles /> },
          { id: "storage", label: "Storage", show: () => <Storage /> },
        ]}
      />
    </Page>
  );
}
