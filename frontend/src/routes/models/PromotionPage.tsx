import { Page } from "../../components/Page";

export function PromotionPage() {
  return (
    <Page title="Promotion">
      <p>This page is being built.</p>
    </Page>
  );
}
