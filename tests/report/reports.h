#pragma once

// A small run's folder, and the page made of it.

#include "onecycle/error.h"
#include "onecycle/report.h"

#include "support/temporary_folder.h"

#include <gtest/gtest.h>

namespace onecycle::testing {

inline constexpr const char* kMetrics =
    "step,epoch,lr,momentum,weight_decay,lr_scale,train_loss,train_accuracy,validation_loss,"
    "validation_accuracy,test_loss,test_accuracy,train_seconds,seconds\n"
    "9,1.0000,0.1,0.9,0.001,1,2.000000,0.300000,1.900000,0.400000,,,1.000,1.500\n"
    "19,2.0000,0.05,0.95,0.001,1,1.000000,0.600000,1.100000,0.550000,1.200000,0.540000,2.0,2.5\n";
inline constexpr const char* kSteps =
    "step,epoch,lr,momentum,weight_decay,lr_scale,train_loss,train_accuracy,samples_per_second\n"
    "4,0.5,0.05,0.95,0.001,1,2.2,0.2,1000.0\n9,1.0,0.1,0.9,0.001,1,1.8,0.4,1200.0\n";
inline constexpr const char* kEvents =
    "time,steps,epoch,event,message\n2026-01-02T03:04:05Z,0,0.0000,started,\"\"\n";

class Reports : public ::testing::Test {
 protected:
  void write_run(const std::string& events = kEvents) const {
    folder_.write_text("recipe.yaml", "name: small\nschedule: {name: one_cycle, lr_max: 0.1}\n");
    folder_.write_text("metrics.csv", kMetrics);
    folder_.write_text("steps.csv", kSteps);
    folder_.write_text("events.csv", events);
  }
  std::string page(const std::string& gnuplot = "") const {
    ReportOptions options;
    options.gnuplot = gnuplot;
    return read_bytes(write_report(folder_.path(), options).page);
  }
  std::string failure() const {
    try {
      write_report(folder_.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

}  // namespace onecycle::testing
