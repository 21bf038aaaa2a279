import { Page } from "../../components/Page";

export function PredictionPage() {
  return (
    <Page title="Prediction">
      <p>This page is being built.</p>
    </Page>
  );
}
