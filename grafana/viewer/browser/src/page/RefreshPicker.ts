// The refresh picker. `refresh=` in the URL means no refresh.
import { SceneRefreshPicker } from '@grafana/scenes';

export class RefreshPicker extends SceneRefreshPicker {
  static override Component = SceneRefreshPicker.Component;

  override getUrlState(): { refresh: string } {
    return { refresh: this.state.refresh };
  }

  override updateFromUrl(values: { refresh?: string | string[] | null }): void {
    if (values.refresh === '') {
      this.onIntervalChanged('');
    } else {
      super.updateFromUrl(values);
    }
  }
}
