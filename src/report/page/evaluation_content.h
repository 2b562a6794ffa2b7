#pragma once

#include "onecycle/evaluation_report.h"

#include "report/page/content.h"

namespace onecycle {

// Sentences and tables about a classification; in evaluation_report.cpp they become a page.
PageContent evaluation_content(const EvaluationReport& evaluation);

}  // namespace onecycle
