// Fences: whoever was granted a resource earlier has no effect on it any more
// (DESIGN §4). Only for workers that announce `leaseFence`.

#include "drivers/worker_check/check_list.hpp"

#include <algorithm>

namespace leasehold::check {

namespace {

/// What a worker says whose resource has seen a later fence.
constexpr int stale_fence = -32090;

void need_fences(bench& at) {
  at.worker();
  const auto& listed = at.listed();
  if (!listed
      || std::find(listed->begin(), listed->end(), "leaseFence")
           == listed->end())
    skip("the worker does not announce leaseFence");
}

json under(int fence) {
  return {{"leaseId", "1ea5e401-c4ec-4000-8000-0000000000fe"},
          {"leaseFence", fence}};
}

void expect_refusal(bench& at, const std::string& method, const json& params) {
  if (!at.may_have(method))
    return;
  auto answer = at.ask(method, params);
  if (answer.ok() || answer.error["code"] != stale_fence)
    fail(method + " under an older fence: expected error "
         + std::to_string(stale_fence) + ", got " + to_string(answer));
}

/// Tries everything that can be done to a lease.
void expect_refusals(bench& at, const json& lease, int fence) {
  auto with = under(fence);
  auto work = at.in(lease, with);
  work.update({{"command", "sh"}, {"args", {"-c", "true"}}});
  expect_refusal(at, "environmentExecute", work);
  auto place = at.in(lease, with);
  place["workspace"] = json::object();
  expect_refusal(at, "environmentRealizeWorkspace", place);
  auto cancel = at.on(lease, with);
  cancel["executionId"] = "1ea5e401-c4ec-4000-8000-0000000000fd";
  expect_refusal(at, "environmentCancelExecute", cancel);
  for (const auto* method :
       {"environmentResumeLease", "environmentReleaseLease",
        "environmentDestroyLease"})
    expect_refusal(at, method, at.on(lease, with));
}

std::string older(bench& at) {
  need_fences(at);
  auto lease = at.acquire(under(7));
  expect_refusals(at, lease, 6);
  at.need("environmentResumeLease");
  at.get("environmentResumeLease", at.on(lease, under(8)));
  expect_refusals(at, lease, 7);
  at.get("environmentDestroyLease", at.on(lease, under(9)));
  at.destroy(lease);
  return {};
}

std::string after_crash(bench& at) {
  need_fences(at);
  at.need("environmentResumeLease");
  auto lease = at.acquire(under(7));
  at.get("environmentResumeLease", at.on(lease, under(9)));
  at.kill_worker();
  at.worker();
  expect_refusals(at, lease, 8);
  at.get("environmentDestroyLease", at.on(lease, under(10)));
  at.destroy(lease);
  return {};
}

} // namespace

std::vector<one_check> fence_checks() {
  return {
    {{"fence.older", "refuses what an earlier holder asks for"}, older},
    {{"fence.crash", "still does after it was killed"}, after_crash},
  };
}

} // namespace leasehold::check
