// @ts-check
// Runs before the page is painted, so that no page flashes in the wrong theme.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {"system" | "light" | "dark"} what the person chose, or that the system decides */
  const chosen = () => {
    const value = localStorage.getItem("theme");
    return value === "light" || value === "dark" ? value : "system";
  };

  const apply = () => {
    const theme = chosen();
    document.documentElement.dataset.bsTheme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    document.dispatchEvent(new CustomEvent("nw:theme"));
  };

  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    const name = button?.querySelector("[data-theme-name]");
    const use = button?.querySelector("use");
    if (!(button instanceof HTMLElement) || !name || !use) return;
    const sprite = (use.getAttribute("href") ?? "").split("#")[0];
    const icons = { system: "monitor", light: "sun", dark: "moon" };
    const show = () => {
      name.textContent = `Theme: ${chosen()}`;
      use.setAttribute("href", `${sprite}#${icons[chosen()]}`);
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      const order = /** @type {const} */ (["system", "light", "dark"]);
      const next = order[(order.indexOf(chosen()) + 1) % order.length];
      if (next === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
      apply();
      show();
    });
    show();
  });
})();
