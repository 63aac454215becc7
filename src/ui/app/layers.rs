//! What lies over the screen.

use std::time::Instant;

use ratatui::layout::Rect;

use super::App;
use crate::ui::layer::Layer;
use crate::ui::screen::Out;

impl App {
    /// What lies on top of the screen.
    pub fn layer(&self) -> Option<&dyn Layer> {
        self.layers.last().map(|(layer, _)| layer.as_ref())
    }

    /// All layers, the lowest first.
    pub fn layers(&self) -> impl Iterator<Item = &dyn Layer> {
        self.layers.iter().map(|(layer, _)| layer.as_ref())
    }

    /// Opens something over the screen.
    pub fn open(&mut self, mut layer: Box<dyn Layer>) {
        let mut out = Out::after(self.last_ticket);
        layer.opened(&mut out);
        self.layers.push((layer, None));
        self.carry_out(out);
    }

    /// Scrolls what is on top.
    pub fn scroll_layer(&mut self, rows: i64) {
        if let Some((layer, _)) = self.layers.last_mut() {
            let mut out = Out::after(self.last_ticket);
            layer.scroll(rows, &mut out);
            self.carry_out(out);
        }
    }

    /// Closes what is on top; `false` when nothing was.
    pub fn close(&mut self) -> bool {
        self.layers.pop().is_some()
    }

    /// Tells what lies over the screen how large the screen is, before it is drawn.
    pub fn layout_layers(&mut self, area: Rect) {
        for (layer, _) in &mut self.layers {
            layer.layout(area, &self.names);
        }
    }

    /// Takes note that everything was drawn: what lies on top can be answered from now on.
    pub fn drawn(&mut self, at: Instant) {
        for (_, drawn) in &mut self.layers {
            drawn.get_or_insert(at);
        }
    }
}
