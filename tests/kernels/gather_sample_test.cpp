#include "kernels/batch/gather_sample.h"

#include "onecycle/on_device.h"

#include "data/images/crop_tables.h"

#include <gtest/gtest.h>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>

// What is sampled pixel by pixel: random_resized_crop, colour_jitter and crops of larger images.
namespace onecycle::kernels {
namespace {

constexpr std::int64_t kSamples = 7, kChannels = 3, kHeight = 32, kWidth = 48, kBatch = 5;

at::Tensor pictures(at::ScalarType type) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const at::Tensor bytes =
      at::randint(0, 256, {kSamples, kChannels, kHeight, kWidth}, generator, at::kByte);
  return type == at::kByte ? bytes : bytes.to(at::kFloat) / 255;
}

// Values as stored: mean 0, deviation 1.
struct Sampling {
  explicit Sampling(at::ScalarType type = at::kByte, std::int64_t size = 24)
      : images(pictures(type)),
        labels(at::arange(kSamples, at::kLong)),
        order(at::tensor({3, 0, 6, 2, 2}, at::kLong)),
        mean(at::zeros({kChannels}, at::kDouble)),
        inverse_std(at::ones({kChannels}, at::kDouble)),
        out(at::full({kBatch, kChannels, size, size}, 77, at::kFloat)),
        out_labels(at::zeros({kBatch}, at::kLong)),
        grey_sums(at::zeros({2 * kBatch}, at::kLong)),
        partner(at::tensor({6, 5, 4, 3, 2, 1, 0}, at::kLong)),
        mix_weight(at::tensor({.5, .6, .7, .8, .9, 1., .55}, at::kFloat)),
        mix_labels(at::zeros({kBatch}, at::kLong)),
        out_mix_weight(at::zeros({kBatch}, at::kFloat)),
        tables(at::kCPU) {
    gather.pixel = type == at::kByte ? Pixel::uint8 : Pixel::float32;
    gather.channels = kChannels;
    gather.height = kHeight;
    gather.width = kWidth;
    gather.out_height = gather.out_width = size;
    gather.seed = 7;
    gather.epoch = 3;
    gather.batch = gather.valid = kBatch;
    point();
  }

  void point() {
    gather.images = images.const_data_ptr();
    gather.labels = labels.const_data_ptr<std::int64_t>();
    gather.order = order.const_data_ptr<std::int64_t>();
    gather.mean = mean.const_data_ptr<double>();
    gather.inverse_std = inverse_std.const_data_ptr<double>();
    gather.out = out.mutable_data_ptr();
    gather.out_labels = out_labels.mutable_data_ptr<std::int64_t>();
    gather.grey_sums = grey_sums.mutable_data_ptr<std::int64_t>();
    if (gather.crop) gather.crop = tables.data();
    if (!gather.mixes()) return;
    gather.partner = partner.const_data_ptr<std::int64_t>();
    gather.mix_weight = mix_weight.const_data_ptr<float>();
    gather.out_mix_labels = mix_labels.mutable_data_ptr<std::int64_t>();
    gather.out_mix_weight = out_mix_weight.mutable_data_ptr<float>();
  }

  void crop(const ResizedCrop& how = {}) {
    tables = OnDevice<CropTables>(at::kCPU, crop_tables(how, kHeight, kWidth));
    gather.crop = tables.data();
    const auto box = fallback_box(how, kHeight, kWidth);
    std::copy(box.begin(), box.end(), gather.fallback);
  }

  void jitter(double brightness, double contrast, double saturation) {
    const double strengths[] = {brightness, contrast, saturation};
    for (int i = 0; i < 3; ++i) {
      const double low = std::max(0.0, 1 - strengths[i]);
      gather.jitter_low[i] = static_cast<float>(low);
      gather.jitter_span[i] = static_cast<float>(1 + strengths[i] - low);
    }
  }

  at::Tensor run() {
    gather_cpu(gather, 0, kBatch);
    return out;
  }
  std::int64_t sample(std::int64_t row) const { return order[row].item<std::int64_t>(); }
  std::int64_t size() const { return gather.out_width; }

  at::Tensor images, labels, order, mean, inverse_std, out, out_labels, grey_sums;
  at::Tensor partner, mix_weight, mix_labels, out_mix_weight;
  OnDevice<CropTables> tables;
  Gather gather;
};

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// ---- The choices -------------------------------------------------------------------------------

std::tuple<int, int, int, int> box_of(const Placement& place) {
  return {place.shift_y, place.shift_x, place.box_height, place.box_width};
}

// Computed by tests/data/random_golden.py from torchvision's formula.
TEST(ResizedCrop, KnownBoxes) {
  Sampling s;
  s.crop();
  const std::tuple<int, int, int, int> golden[] = {
      {0, 9, 32, 39}, {2, 17, 11, 14}, {3, 5, 29, 38}, {1, 0, 31, 38}};
  for (std::int64_t sample = 0; sample < 4; ++sample)
    EXPECT_EQ(box_of(placement(s.gather, sample)), golden[sample]) << sample;
}

TEST(ResizedCrop, TheLastResortIsTheLargestBoxInTheMiddle) {
  Sampling s;
  s.crop({.9, 1, 3, 4});
  for (std::int64_t sample = 0; sample < 50; ++sample)
    EXPECT_EQ(box_of(placement(s.gather, sample)), std::tuple(8, 0, 16, 48));
  s.crop({.9, 1, .25, .3333});
  EXPECT_EQ(box_of(placement(s.gather, 0)), std::tuple(0, 18, 32, 11));
}

TEST(ResizedCrop, SharesAndRatiosAreUniform) {
  Sampling s;
  s.crop({.25, .5, 1, 1});  // 19 to 28 pixels a side: every box fits
  double area = 0;
  int left = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const Placement place = placement(s.gather, i);
    ASSERT_EQ(place.box_height, place.box_width);
    ASSERT_LE(place.shift_x + place.box_width, kWidth);
    area += place.box_height * place.box_width;
    left += place.shift_x == 0;
  }
  EXPECT_NEAR(area / kDraws / (kHeight * kWidth), .375, .002);
  EXPECT_NEAR(left, kDraws / 25, kDraws / 200);  // 48 - 24 + 1 places
}

TEST(ColourJitter, KnownFactors) {
  Sampling s;
  s.jitter(.4, .2, 2);
  const double golden[3][3] = {{0.631675, 0.903105, 0.633719},
                               {0.609988, 1.184860, 0.760459},
                               {0.600836, 0.840774, 2.446227}};
  for (std::int64_t sample = 0; sample < 3; ++sample)
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(tint_of<float>(s.gather, sample).factor[i], golden[sample][i], 1e-6);
}

// ---- Sampling ----------------------------------------------------------------------------------

// ATen's bilinear interpolation of the box alone.
at::Tensor resized(const Sampling& s, std::int64_t sample) {
  const Placement place = placement(s.gather, sample);
  const at::Tensor box = s.images[sample]
                             .to(at::kDouble)
                             .narrow(1, place.shift_y, place.box_height)
                             .narrow(2, place.shift_x, place.box_width);
  const at::Tensor result =
      at::upsample_bilinear2d(box.unsqueeze(0), {s.size(), s.size()}, false).squeeze(0);
  return place.flipped ? result.flip({2}) : result;
}

TEST(ResizedCrop, SamplesAsATen) {
  for (const auto type : {at::kByte, at::kFloat})
    for (const bool flip : {false, true}) {
      Sampling s(type);
      s.crop();
      s.gather.flip = flip;
      const at::Tensor out = s.run();
      // Shares of 1/4096 pixel along each axis.
      const double allowed = (type == at::kByte ? 255 : 1) * 2.0 / 4096;
      for (std::int64_t row = 0; row < kBatch; ++row)
        EXPECT_LE(largest_difference(out[row], resized(s, s.sample(row))), allowed) << row;
      EXPECT_TRUE(s.out_labels.equal(s.order));
    }
}

// A crop with brightness alone, pixel by pixel, is the crop by rows times its factor.
TEST(ColourJitter, BordersAreReflectedAsWithoutIt) {
  for (const bool reflects : {false, true}) {
    Sampling plain, s;
    for (Sampling* each : {&plain, &s}) {
      each->gather.pad_crop = 20;
      each->gather.pad_reflects = reflects;
    }
    s.jitter(.4, 0, 0);
    const at::Tensor rows = plain.run();
    const at::Tensor out = s.run();
    for (std::int64_t row = 0; row < kBatch; ++row) {
      const float factor = tint_of<float>(s.gather, s.sample(row)).factor[kBrightness];
      EXPECT_TRUE(out[row].equal((rows[row] * factor).clamp(0, 255))) << row;
    }
    EXPECT_EQ(rows.eq(0).to(at::kFloat).mean().item<double>() > .02, !reflects);
  }
}

TEST(ResizedCrop, CutoutAndNormalisationFollow) {
  Sampling plain, s;
  plain.crop();
  s.crop();
  s.gather.cutout = 9;
  s.mean.fill_(100);
  s.inverse_std.fill_(.5);
  const at::Tensor expected = (plain.run() - 100) * .5;
  const at::Tensor out = s.run();
  for (std::int64_t row = 0; row < kBatch; ++row) {
    const Placement place = placement(s.gather, s.sample(row));
    for (std::int64_t y = 0; y < s.size(); ++y)
      for (std::int64_t x = 0; x < s.size(); ++x)
        ASSERT_EQ(out[row][1][y][x].item<float>(),
                  is_cut(place, y, x) ? 0 : expected[row][1][y][x].item<float>());
  }
}

// ---- Colours -----------------------------------------------------------------------------------

at::Tensor grey(const at::Tensor& image) {
  return image[0] * .299 + image[1] * .587 + image[2] * .114;
}

// torchvision's adjust_brightness, adjust_contrast and adjust_saturation, for values up to `white`.
at::Tensor adjusted(at::Tensor image, const Tint<float>& tint, double white) {
  const auto blend = [&](const at::Tensor& other, double factor) {
    image = (image * factor + other * (1 - factor)).clamp(0, white);
  };
  blend(at::zeros_like(image), tint.factor[kBrightness]);
  blend(grey(image).mean(), tint.factor[kContrast]);
  blend(grey(image).unsqueeze(0), tint.factor[kSaturation]);
  return image;
}

TEST(ColourJitter, AdjustsAsTorchvision) {
  for (const auto type : {at::kByte, at::kFloat})
    for (const bool cropped : {false, true}) {
      Sampling plain(type), s(type);
      for (Sampling* each : {&plain, &s}) {
        each->gather.pad_crop = cropped ? 0 : 6;
        each->gather.flip = true;
        if (cropped) each->crop();
      }
      s.jitter(.4, .5, 1.5);
      const double white = type == at::kByte ? 255 : 1;
      const at::Tensor before = plain.run().to(at::kDouble);
      const at::Tensor after = s.run();
      for (std::int64_t row = 0; row < kBatch; ++row) {
        const auto tint = tint_of<float>(s.gather, s.sample(row));
        EXPECT_LE(largest_difference(after[row], adjusted(before[row], tint, white)), white * 4e-6)
            << row;
      }
    }
}

TEST(ColourJitter, OneStrengthChangesNothingElse) {
  Sampling plain, s;
  s.jitter(0, 0, .5);
  const at::Tensor before = plain.run().to(at::kDouble);
  const at::Tensor after = s.run().to(at::kDouble);
  // Saturation keeps grey where nothing is clamped.
  const at::Tensor inside = ((after > 0) & (after < 255)).all(1);
  const at::Tensor difference = (before.select(1, 0) - after.select(1, 0)) * .299 +
                                (before.select(1, 1) - after.select(1, 1)) * .587 +
                                (before.select(1, 2) - after.select(1, 2)) * .114;
  EXPECT_LE(difference.masked_select(inside).abs().max().item<double>(), 1e-4);
  EXPECT_GT(largest_difference(before, after), 1);
}

TEST(ColourJitter, MixesAdjustedSamples) {
  Sampling own, other, mixed;
  other.order = own.partner.index_select(0, own.order);
  for (Sampling* each : {&own, &other, &mixed}) {
    each->crop();
    each->jitter(.4, .4, .4);
    each->point();
  }
  mixed.gather.partner = mixed.partner.const_data_ptr<std::int64_t>();
  mixed.point();
  const at::Tensor weight = own.mix_weight.index_select(0, own.order).view({kBatch, 1, 1, 1});
  EXPECT_TRUE(mixed.run().equal(own.run() * weight + other.run() * (1 - weight)));
}

// ---- Crops of larger images, and rows ----------------------------------------------------------

TEST(SmallerOutput, TakesTheCentre) {
  Sampling s;
  const at::Tensor expected =
      s.images.index_select(0, s.order).narrow(2, 4, 24).narrow(3, 12, 24).to(at::kFloat);
  EXPECT_TRUE(s.run().equal(expected));
  s.gather.channels_last = true;
  s.out = at::zeros_like(s.out).contiguous(at::MemoryFormat::ChannelsLast);
  s.point();
  EXPECT_TRUE(s.run().equal(expected));
}

TEST(SmallerOutput, PadCropReachesEveryPlace) {
  Sampling s;
  s.gather.pad_crop = 2;
  s.gather.flip = true;
  const at::Tensor padded = at::constant_pad_nd(s.images, {2, 2, 2, 2}, 0).to(at::kFloat);
  const at::Tensor out = s.run();
  for (std::int64_t row = 0; row < kBatch; ++row) {
    const Placement place = placement(s.gather, s.sample(row));
    const at::Tensor expected =
        padded[s.sample(row)].narrow(1, place.shift_y + 2, 24).narrow(2, place.shift_x + 2, 24);
    EXPECT_TRUE(out[row].equal(place.flipped ? expected.flip({2}) : expected)) << row;
  }
  int top = 0, bottom = 0, right = 0;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const Placement place = placement(s.gather, i);
    top += place.shift_y == -2;
    bottom += place.shift_y == 10;  // 32 + 2 - 24
    right += place.shift_x == 26;
    ASSERT_LE(place.shift_x, 26);
  }
  EXPECT_NEAR(top, 3000 / 13, 60);
  EXPECT_NEAR(bottom, 3000 / 13, 60);
  EXPECT_NEAR(right, 3000 / 29, 45);
}

// The sample's number decides its augmentation, its row which image it is.
TEST(Rows, SamplesLieWhereTheirRowsSay) {
  for (const bool sampled : {false, true}) {
    Sampling s, moved;
    const at::Tensor rows = at::tensor({5, 3, 1, 0, 2, 4, 6}, at::kLong);
    moved.images = at::empty_like(s.images).index_copy_(0, rows, s.images);
    moved.point();
    moved.gather.rows = rows.const_data_ptr<std::int64_t>();
    for (Sampling* each : {&s, &moved}) {
      each->gather.flip = true;
      if (sampled) each->crop();
      if (sampled) each->jitter(.1, .1, .1);
    }
    EXPECT_TRUE(moved.run().equal(s.run()));
    EXPECT_TRUE(moved.out_labels.equal(s.out_labels));
  }
}

TEST(ValueJitter, FollowsTheColours) {
  Sampling plain, s;
  for (Sampling* each : {&plain, &s}) {
    each->mean.fill_(100);
    each->inverse_std.fill_(.02);
    each->crop();
    each->jitter(.4, .4, .4);
  }
  s.gather.value_shift = .5;
  s.gather.value_scale = .25;
  const at::Tensor before = plain.run(), after = s.run();
  for (std::int64_t row = 0; row < kBatch; ++row) {
    const auto tint = tint_of<float>(s.gather, s.sample(row));
    EXPECT_LT(largest_difference(after[row], (before[row] + tint.shift) * tint.scale), 1e-5) << row;
    EXPECT_GT(largest_difference(after[row], before[row]), 1e-3) << row;
  }
}

// ---- The twin ----------------------------------------------------------------------------------

void move_to_gpu(Sampling& s) {
  for (at::Tensor* tensor :
       {&s.images, &s.labels, &s.order, &s.mean, &s.inverse_std, &s.out, &s.out_labels,
        &s.grey_sums, &s.partner, &s.mix_weight, &s.mix_labels, &s.out_mix_weight})
    *tensor = tensor->to(at::kCUDA);
  s.tables = OnDevice<CropTables>(at::kCUDA, s.tables.read());
  s.point();
}

TEST(GatherSample, CudaEqualsCpu) {
  if (!has_cuda_kernels()) GTEST_SKIP() << "this build has no CUDA kernels";
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  for (int options = 0; options < 64; ++options)
    for (const auto type : {at::kByte, at::kFloat}) {
      Sampling cpu(type), gpu(type);
      for (Sampling* each : {&cpu, &gpu}) {
        if (options & 1) each->crop();
        if (options & 2) each->jitter(.4, options & 16 ? 0 : .4, .4);
        if (options & 32) each->gather.value_shift = .14F, each->gather.value_scale = .13F;
        each->gather.flip = (options & 4) != 0;
        each->gather.cutout = 5;
        if (options & 8) each->gather.partner = each->partner.const_data_ptr<std::int64_t>();
        each->point();
      }
      move_to_gpu(gpu);
      gather_cuda(gpu.gather, nullptr);
      EXPECT_TRUE(gpu.out.cpu().equal(cpu.run())) << options;
      EXPECT_TRUE(gpu.out_labels.cpu().equal(cpu.out_labels)) << options;
    }
}

}  // namespace
}  // namespace onecycle::kernels
