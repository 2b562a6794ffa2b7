#include "train/total_batch.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "nn/layers/batch_norm.h"

#include <algorithm>
#include <string>

namespace onecycle {

namespace {

constexpr const char* kTotalBatch = "data.total_batch_size";
// Times the fewest passes that hold all samples: beyond, a step would do most of its work in passes
// that are much smaller than they could be.
constexpr std::int64_t kMostTimesPasses = 2;

// Divisors of a number on both sides of a limit.
struct NearDivisors {
  std::int64_t largest_within = 1;
  std::int64_t smallest_beyond = 0;  // 0: the number itself is within
};

NearDivisors divisors_near(std::int64_t number, std::int64_t limit) {
  NearDivisors near;
  for (std::int64_t low = 1; low <= number / low; ++low) {
    if (number % low != 0) continue;
    for (const std::int64_t divisor : {low, number / low}) {
      if (divisor <= limit)
        near.largest_within = std::max(near.largest_within, divisor);
      else if (near.smallest_beyond == 0 || divisor < near.smallest_beyond)
        near.smallest_beyond = divisor;
    }
  }
  return near;
}

// A step's samples, and what may become of them.
struct ShareRequest {
  std::int64_t total;
  std::int64_t limit;  // of a pass
  std::int64_t ranks;
  std::int64_t unit;  // of which a pass is a multiple
};

// "1,998 or 2,001": those around the total; empty where there is none.
std::string nearest_text(const ShareRequest& asked, std::int64_t num_train) {
  const auto [total, limit, ranks, unit] = asked;
  if (limit < unit) return "";
  const auto works = [&](std::int64_t share) {
    return share_batch(share * asked.ranks, asked.limit, asked.ranks, asked.unit);
  };
  const std::int64_t most = num_train / ranks;
  std::int64_t below = std::min((total - 1) / ranks, most) / unit * unit;
  while (below > 0 && !works(below)) below -= unit;
  std::int64_t above = total / ranks / unit * unit + unit;
  while (above <= most && !works(above)) above += unit;
  std::string text = below > 0 ? std::to_string(below * ranks) : "";
  if (above <= most) text += (text.empty() ? "" : " or ") + std::to_string(above * ranks);
  return text;
}

// What to take: `nearest`, or what else helps where there is none.
std::string remedy(const std::string& nearest, std::int64_t unit) {
  if (!nearest.empty()) return nearest;
  return unit == 1 ? "fewer ranks" : "fewer ranks, or smaller groups of model.bn_batch";
}

std::string ranks_text(std::int64_t ranks) {
  return format("{} rank{}", ranks, ranks == 1 ? "" : "s");
}

[[noreturn]] void refuse_remainder(const ShareRequest& asked, const std::string& nearest) {
  const auto [total, limit, ranks, unit] = asked;
  if (total % ranks != 0)
    throw FieldError(kTotalBatch, format("{} samples are not shared evenly by {}: take {}", total,
                                         ranks_text(ranks), remedy(nearest, unit)));
  const std::int64_t share = total / ranks;
  const std::string for_each =
      ranks == 1 ? "" : format(", {} for each of {},", share, ranks_text(ranks));
  if (share % unit != 0)
    throw FieldError(kTotalBatch,
                     format("{} samples{} are not whole groups of {}, which model.bn_batch makes: "
                            "take {}",
                            total, for_each, unit, remedy(nearest, unit)));
  const NearDivisors near = divisors_near(share / unit, limit / unit);
  const std::int64_t within = near.largest_within * unit;
  throw FieldError(
      kTotalBatch,
      format("{} samples{} divide evenly{} only into {} passes of {}, where data.batch_size allows "
             "{}: take {}{}data.batch_size {} or {}",
             total, for_each, unit == 1 ? "" : format(" in whole groups of {}", unit),
             share / within, within, limit, nearest, nearest.empty() ? "" : ", or ",
             near.smallest_beyond * unit, within));
}

}  // namespace

std::optional<BatchShares> share_batch(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                                       std::int64_t unit) {
  if (total % ranks != 0 || limit < unit) return std::nullopt;
  const std::int64_t share = total / ranks;
  if (share % unit != 0) return std::nullopt;
  const std::int64_t fewest = share / limit + (share % limit == 0 ? 0 : 1);
  const std::int64_t per_rank = divisors_near(share / unit, limit / unit).largest_within * unit;
  const std::int64_t passes = share / per_rank;
  if (passes > fewest * kMostTimesPasses) return std::nullopt;
  return BatchShares{per_rank, passes};
}

BatchShares require_shares(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                           std::int64_t num_train, std::int64_t unit) {
  const ShareRequest asked{total, limit, ranks, unit};
  const auto nearest = [&] { return nearest_text(asked, num_train); };
  if (limit < unit && unit <= total / ranks)
    throw FieldError("data.batch_size",
                     format("passes of at most {} samples do not hold a group of {}, which "
                            "model.bn_batch makes: raise it to {}, or take smaller groups",
                            limit, unit, unit));
  if (total > num_train)
    throw FieldError(kTotalBatch,
                     format("{} is more than the {} samples of the training part: take {}", total,
                            num_train, remedy(nearest(), unit)));
  const auto shares = share_batch(total, limit, ranks, unit);
  if (!shares) refuse_remainder(asked, nearest());
  return *shares;
}

bool norms_follow_passes(const Run& run) { return norms_follow_passes(*run.model); }

}  // namespace onecycle
