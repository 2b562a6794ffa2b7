#include "schedule/curves.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace onecycle {

double interpolate(Shape shape, double from, double to, double u) {
  if (u <= 0 || shape == Shape::constant) return from;
  if (u >= 1) return to;
  double value = from;
  switch (shape) {
    case Shape::constant:
      break;
    case Shape::linear:
      value = from + (to - from) * u;
      break;
    case Shape::cosine:
      value = to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * u));
      break;
    case Shape::exponential:
      value = from * std::pow(to / from, u);
      break;
  }
  return std::clamp(value, std::min(from, to), std::max(from, to));
}

double progress(std::int64_t step, std::int64_t total) {
  if (total <= 1) return 0;
  return std::clamp(static_cast<double>(step) / static_cast<double>(total - 1), 0.0, 1.0);
}

double Curve::at(double position) const {
  double start = begin_;
  double held = pieces_.front().from;
  for (const Piece& piece : pieces_) {
    if (piece.end <= start) continue;
    if (position < piece.end)
      return interpolate(piece.shape, piece.from, piece.to,
                         (position - start) / (piece.end - start));
    held = interpolate(piece.shape, piece.from, piece.to, 1);
    start = piece.end;
  }
  return held;
}

std::vector<double> Curve::ends() const {
  std::vector<double> result;
  for (const Piece& piece : pieces_) result.push_back(piece.end);
  return result;
}

}  // namespace onecycle
