#pragma once

#include <cstdint>
#include <vector>

namespace onecycle {

// What mixup does to each sample of a set in one epoch; both by position in the set.
struct MixupChoices {
  std::vector<std::int64_t> partner;  // uniform over the set, the sample itself included
  std::vector<float> weight;          // the sample's own share, .5 to 1
};

// The larger of w and 1 - w for w from Beta(alpha, alpha), as fastai has it: swapping a pair and
// its weights gives the same mixture, and a sample stays nearer to itself than to its partner. A
// function of 128 random bits, for any alpha > 0.
//
// T = sqrt(2 alpha (U^(-1/alpha) - 1)) cos(2 pi V) has Student's distribution with 2 alpha degrees
// of freedom (R. W. Bailey, Mathematics of Computation 62, 1994), and (1 + T / sqrt(2 alpha + T^2))
// / 2 the symmetric beta distribution (L. Devroye, Non-Uniform Random Variate Generation, 1986,
// IX.3).
double mixup_weight(double alpha, std::uint64_t bits_u, std::uint64_t bits_v);

// A pure function of its arguments. A sample's choices do not depend on the other samples' ones.
MixupChoices mixup_choices(std::uint64_t seed, std::int64_t epoch, std::int64_t n, double alpha);

}  // namespace onecycle
