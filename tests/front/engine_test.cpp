#include "front/engine.h"

#include "support/environment.h"
#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdexcept>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFits = "2.11.3";

// Trees of empty files, which is all that is looked at.
class Engines : public ::testing::Test {
 protected:
  Engines()
      : environment_(Environment::Variables{{"HOME", folder_ / "home"},
                                            {"XDG_CACHE_HOME", ""},
                                            {"VIRTUAL_ENV", ""},
                                            {"CONDA_PREFIX", ""},
                                            {"ONECYCLE_TORCH_SITE", ""}}) {}

  void install(const std::string& kind) { folder_.write_text("usr/libexec/onecycle-" + kind, ""); }

  // Returns the folder of packages.
  std::string add_torch(const std::string& site, const std::string& version, bool cuda) {
    folder_.write_text(site + "/torch/version.py",
                       "from typing import Optional\n__version__ = '" + version + "'\n");
    folder_.write_text(site + "/torch/lib/libtorch_cpu.so", "");
    if (cuda) {
      folder_.write_text(site + "/torch/lib/libtorch_cuda.so", "");
      folder_.write_text(site + "/nvidia/cu13/lib/libcublas.so.13", "");
    }
    return folder_ / site;
  }

  Engine found(const std::string& front_end = "usr/bin/onecycle") const {
    return find_engine(folder_ / front_end);
  }

  std::string failure() const {
    try {
      return "found " + found().program.string();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  TemporaryFolder folder_;
  Environment environment_;
};

TEST_F(Engines, OfABuildKnowsItsLibTorch) {
  folder_.write_text("build/libexec/onecycle", "");
  EXPECT_EQ(found("build/onecycle").program, folder_ / "build/libexec/onecycle");
  EXPECT_EQ(found("build/onecycle").library_path, "");
}

TEST_F(Engines, IsTheOneWithCudaWhereItsLibrariesAre) {
  install("cpu");
  install("cuda");
  const std::string plain = add_torch("venv/lib/python3.11/site-packages", kFits, false);
  const Environment active(Environment::Variables{{"VIRTUAL_ENV", folder_ / "venv"}});
  EXPECT_EQ(found().program, folder_ / "usr/libexec/onecycle-cpu");
  EXPECT_EQ(found().library_path, plain + "/torch/lib");
  const std::string full =
      add_torch("home/.cache/onecycle/torch-2.11.0-full/lib/python3.11/site-packages", kFits, true);
  EXPECT_EQ(found().program, folder_ / "usr/libexec/onecycle-cuda");
  EXPECT_EQ(found().library_path, full + "/torch/lib:" + full + "/nvidia/cu13/lib");
}

TEST_F(Engines, PrefersThePackagesAroundIt) {
  folder_.write_text("site-packages/onecycle/libexec/onecycle-cpu", "");
  add_torch("home/.cache/onecycle/torch-2.11.0-slim/lib/python3.11/site-packages", kFits, false);
  const std::string own = add_torch("site-packages", kFits, false);
  EXPECT_EQ(found("site-packages/onecycle/bin/onecycle").library_path, own + "/torch/lib");
}

TEST_F(Engines, OfAWheelIsInThePackageOfItsScript) {
  const std::string site = "venv/lib/python3.11/site-packages";
  folder_.write_text(site + "/onecycle/libexec/onecycle-cpu", "");
  const std::string own = add_torch(site, kFits, false);
  EXPECT_EQ(found("venv/bin/onecycle").program, own + "/onecycle/libexec/onecycle-cpu");
  EXPECT_EQ(found("venv/bin/onecycle").library_path, own + "/torch/lib");
  // `pip install --target`
  folder_.write_text("target/onecycle/libexec/onecycle-cpu", "");
  const std::string target = add_torch("target", kFits, false);
  EXPECT_EQ(found("target/bin/onecycle").program, target + "/onecycle/libexec/onecycle-cpu");
  EXPECT_EQ(found("target/bin/onecycle").library_path, target + "/torch/lib");
}

TEST_F(Engines, LooksNowhereElseThanNamed) {
  install("cpu");
  add_torch("home/.cache/onecycle/torch-2.11.0-slim/lib/python3.11/site-packages", kFits, false);
  const std::string named = add_torch("mine", kFits, false);
  {
    const Environment chosen(Environment::Variables{{"ONECYCLE_TORCH_SITE", named}});
    EXPECT_EQ(found().library_path, named + "/torch/lib");
  }
  const Environment chosen(Environment::Variables{{"ONECYCLE_TORCH_SITE", folder_ / "none"}});
  EXPECT_THAT(failure(), HasSubstr("none holds no torch/lib/libtorch_cpu.so"));
}

TEST_F(Engines, TakesTheMinorVersionItWasBuiltWith) {
  install("cpu");
  EXPECT_THAT(failure(), HasSubstr("no LibTorch 2.11 found; install it with `pip install"));
  const Environment active(Environment::Variables{{"VIRTUAL_ENV", folder_ / "venv"}});
  add_torch("venv/lib/python3.11/site-packages", "2.110.0", false);
  EXPECT_THAT(failure(), HasSubstr("LibTorch 2.110.0 in " + (folder_ / "venv")));
  add_torch("venv/lib/python3.12/site-packages", kFits, false);
  EXPECT_THAT(found().library_path, HasSubstr("python3.12"));
}

TEST_F(Engines, SaysThatCudaIsMissing) {
  install("cuda");
  const Environment active(Environment::Variables{{"VIRTUAL_ENV", folder_ / "venv"}});
  add_torch("venv/lib/python3.11/site-packages", kFits, false);
  EXPECT_THAT(failure(), HasSubstr("built with 2.11 and CUDA, which it lacks"));
}

}  // namespace
}  // namespace onecycle::testing
