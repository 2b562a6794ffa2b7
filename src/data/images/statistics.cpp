#include "onecycle/data.h"

#include "data/moments.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace onecycle {

namespace {

// Exact: the sums over the 256 values are of integers.
Moments moments_of_bytes(const std::array<std::int64_t, 256>& counts) {
  double count = 0, sum = 0, squares = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    const auto times = static_cast<double>(counts[value]);
    const auto pixel = static_cast<double>(value);
    count += times;
    sum += times * pixel;
    squares += times * pixel * pixel;
  }
  const double mean = sum / count;
  return {mean / 255, std::sqrt(std::max(0.0, squares / count - mean * mean)) / 255};
}

// Welford's update.
class RunningMoments {
 public:
  void add(double value) {
    count_ += 1;
    const double before = value - mean_;
    mean_ += before / count_;
    squares_ += before * (value - mean_);
  }
  Moments result() const { return {mean_, std::sqrt(squares_ / count_)}; }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

constexpr std::int64_t kMostRows = 16384;

// The images to look at, in order.
std::vector<std::int64_t> looked_at(const at::Tensor& images, const at::Tensor& rows) {
  const std::int64_t count = rows.defined() ? rows.size(0) : images.size(0);
  const std::int64_t used = rows.defined() ? std::min(count, kMostRows) : count;
  std::vector<std::int64_t> result;
  for (std::int64_t i = 0; i < used; ++i)
    result.push_back(rows.defined() ? rows.const_data_ptr<std::int64_t>()[i * count / used] : i);
  return result;
}

template <class T, class Each>
void for_channel(const at::Tensor& images, const std::vector<std::int64_t>& rows,
                 std::int64_t channel, const Each& each) {
  const std::int64_t plane = images.size(2) * images.size(3);
  const T* first = images.const_data_ptr<T>() + channel * plane;
  for (const std::int64_t n : rows) {
    const T* pixels = first + n * images.size(1) * plane;
    for (std::int64_t i = 0; i < plane; ++i) each(pixels[i]);
  }
}

template <class Sum, class T>
std::vector<double> mean_of_each(const at::Tensor& images, const std::vector<std::int64_t>& rows,
                                 double white) {
  const auto size = static_cast<std::size_t>(images[0].numel());
  std::vector<Sum> sums(size);
  for (const std::int64_t n : rows) {
    const T* pixels = images.const_data_ptr<T>() + n * static_cast<std::int64_t>(size);
    for (std::size_t i = 0; i < size; ++i) sums[i] += static_cast<Sum>(pixels[i]);
  }
  std::vector<double> means;
  for (const Sum sum : sums)
    means.push_back(static_cast<double>(sum) / static_cast<double>(rows.size()) / white);
  return means;
}

}  // namespace

std::vector<double> mean_image(const at::Tensor& images, const at::Tensor& rows) {
  const auto used = looked_at(images, rows);
  if (images.scalar_type() == at::kByte)
    return mean_of_each<std::int64_t, std::uint8_t>(images, used, 255);
  return mean_of_each<double, float>(images, used, 1);
}

ChannelStatistics channel_statistics(const at::Tensor& images, const at::Tensor& rows) {
  const auto used = looked_at(images, rows);
  ChannelStatistics result;
  for (std::int64_t channel = 0; channel < images.size(1); ++channel) {
    Moments moments;
    if (images.scalar_type() == at::kByte) {
      std::array<std::int64_t, 256> counts{};
      for_channel<std::uint8_t>(images, used, channel,
                                [&](std::uint8_t pixel) { ++counts[pixel]; });
      moments = moments_of_bytes(counts);
    } else {
      RunningMoments running;
      for_channel<float>(images, used, channel, [&](float pixel) { running.add(pixel); });
      moments = running.result();
    }
    result.mean.push_back(moments.mean);
    result.std.push_back(moments.std);
  }
  return result;
}

}  // namespace onecycle
