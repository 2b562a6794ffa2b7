#pragma once

#include "onecycle/schedules.h"

#include <cstdint>
#include <utility>
#include <vector>

// Pure curves over a position: what every schedule is composed of.
namespace onecycle {

// The value at fraction u of the way (u is held to [0, 1]), always between `from` and `to`.
// A constant stays at `from`; an exponential needs both ends above zero.
double interpolate(Shape shape, double from, double to, double u);

// p = step/(total-1): 0 at the first step, 1 at the last and later; 0 when total is 1.
double progress(std::int64_t step, std::int64_t total);

// A stretch of a curve, from where the one before it ends up to `end`, which it does not include.
struct Piece {
  double end = 0;
  double from = 0;
  double to = 0;
  Shape shape = Shape::linear;
};

// Pieces one after the other, the first from position `begin`. A piece that ends no later than the
// one before it is skipped. After the last piece its final value holds.
class Curve {
 public:
  // At least one piece.
  explicit Curve(std::vector<Piece> pieces, double begin = 0)
      : pieces_(std::move(pieces)), begin_(begin) {}
  double at(double position) const;
  // Where the pieces end.
  std::vector<double> ends() const;

 private:
  std::vector<Piece> pieces_;
  double begin_;
};

}  // namespace onecycle
