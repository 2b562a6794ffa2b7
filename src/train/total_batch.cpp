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

// "1,998 or 2,001": those around `total`; empty where there is none.
std::string nearest_text(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                         std::int64_t num_train) {
  const auto works = [&](std::int64_t share) { return share_batch(share * ranks, limit, ranks); };
  const std::int64_t most = num_train / ranks;
  std::int64_t below = std::min((total - 1) / ranks, most);
  while (below > 0 && !works(below)) --below;
  std::int64_t above = total / ranks + 1;
  while (above <= most && !works(above)) ++above;
  std::string text = below > 0 ? std::to_string(below * ranks) : "";
  if (above <= most) text += (text.empty() ? "" : " or ") + std::to_string(above * ranks);
  return text;
}

std::string ranks_text(std::int64_t ranks) {
  return format("{} rank{}", ranks, ranks == 1 ? "" : "s");
}

[[noreturn]] void refuse_remainder(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                                   const std::string& nearest) {
  if (total % ranks != 0)
    throw FieldError(kTotalBatch,
                     format("{} samples are not shared evenly by {}: take {}", total,
                            ranks_text(ranks), nearest.empty() ? "fewer ranks" : nearest));
  const std::int64_t share = total / ranks;
  const NearDivisors near = divisors_near(share, limit);
  throw FieldError(
      kTotalBatch,
      format("{} samples{} divide evenly only into {} passes of {}, where data.batch_size allows "
             "{}: take {}{}data.batch_size {} or {}",
             total, ranks == 1 ? "" : format(", {} for each of {},", share, ranks_text(ranks)),
             share / near.largest_within, near.largest_within, limit, nearest,
             nearest.empty() ? "" : ", or ", near.smallest_beyond, near.largest_within));
}

}  // namespace

std::optional<BatchShares> share_batch(std::int64_t total, std::int64_t limit, std::int64_t ranks) {
  if (total % ranks != 0) return std::nullopt;
  const std::int64_t share = total / ranks;
  const std::int64_t fewest = share / limit + (share % limit == 0 ? 0 : 1);
  const std::int64_t per_rank = divisors_near(share, limit).largest_within;
  const std::int64_t passes = share / per_rank;
  if (passes > fewest * kMostTimesPasses) return std::nullopt;
  return BatchShares{per_rank, passes};
}

BatchShares require_shares(std::int64_t total, std::int64_t limit, std::int64_t ranks,
                           std::int64_t num_train) {
  const auto nearest = [&] { return nearest_text(total, limit, ranks, num_train); };
  if (total > num_train)
    throw FieldError(kTotalBatch,
                     format("{} is more than the {} samples of the training part: take {}", total,
                            num_train, num_train < ranks ? "fewer ranks" : nearest()));
  const auto shares = share_batch(total, limit, ranks);
  if (!shares) refuse_remainder(total, limit, ranks, nearest());
  return *shares;
}

bool norms_follow_passes(const Run& run) { return norms_follow_passes(*run.model); }

}  // namespace onecycle
