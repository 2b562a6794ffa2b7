#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace onecycle {

// The samples whose largest probability lies in one of the equal intervals of (0, 1].
struct ReliabilityBin {
  std::int64_t samples = 0;
  double confidence = 0;  // their mean largest probability
  double accuracy = 0;
};

// A sample that was taken for another class.
struct Mistake {
  std::int64_t sample = 0;  // its place in the set
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double confidence = 0;         // probability of `predicted`
  double label_probability = 0;  // of `label`
};

// What the probabilities that a classifier gives to labelled samples amount to.
struct Classification {
  std::vector<std::string> classes;
  std::int64_t samples = 0;
  double accuracy = 0;
  std::optional<double> top5;                        // where there are more than five classes
  std::vector<std::vector<std::int64_t>> confusion;  // [label][predicted], samples
  std::vector<ReliabilityBin> bins;                  // 15, of (0, 1/15], (1/15, 2/15], ...
  // Expected calibration error (Guo et al. 2017, arXiv 1706.04599): the mean over samples of
  // |accuracy - confidence| of their bin.
  double ece = 0;
  double overconfidence = 0;      // mean confidence - accuracy
  std::vector<Mistake> mistakes;  // the least probable label first, at most `most_mistakes`

  std::int64_t labelled(std::size_t label) const;       // samples of a class
  std::int64_t predicted(std::size_t predicted) const;  // samples taken for it
  // The share of a class's samples that were recognised; this and the next two: empty where there
  // are none.
  std::optional<double> recall(std::size_t label) const;
  // Of the samples taken for it, those that are.
  std::optional<double> precision(std::size_t predicted) const;
  // The harmonic mean of the two.
  std::optional<double> f1(std::size_t label) const;
};

// `probabilities`: [samples, classes] in rows. Equal probabilities: the first class is predicted.
Classification classification_of(std::span<const float> probabilities,
                                 std::span<const std::int64_t> labels,
                                 std::vector<std::string> classes, std::size_t most_mistakes = 60);

// "label,CLASS,...": a row a true class, a column a predicted one, in samples.
std::string confusion_csv(const Classification& result);

}  // namespace onecycle
