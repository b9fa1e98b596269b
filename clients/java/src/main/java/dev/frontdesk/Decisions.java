package dev.frontdesk;

import com.google.protobuf.Duration;
import dev.frontdesk.v1.Candidate;
import dev.frontdesk.v1.Decision;
import dev.frontdesk.v1.ExclusionReason;
import dev.frontdesk.v1.PlanStep;
import dev.frontdesk.v1.Signals;
import dev.frontdesk.v1.StrategyStep;
import dev.frontdesk.v1.StreamMode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Decisions in words. */
public final class Decisions {
  private Decisions() {}

  /**
   * Tells in a few lines of text how a decision came about: what was asked, what every candidate promised or why it was excluded,
   * and the plan. The clients of all languages write the same text.
   */
  public static String explain(Decision d) {
    List<String> lines = new ArrayList<>();
    lines.add(d.getModel() + ": " + d.getReason() + (d.getExplored() ? " (chosen to explore)" : ""));
    lines.add(
        "decision %s of router %s at %s, strategy %s, propensity %s"
            .formatted(
                d.getDecisionId(),
                d.getRouter(),
                d.getRouterVersion(),
                d.getStrategy(),
                hundredths(d.getPropensity())));
    lines.add(
        "routing took %s and cost %s"
            .formatted(
                d.hasRouterDuration() ? milliseconds(d.getRouterDuration()) : "an unknown time",
                d.hasRouterCostNanoUsd() ? usd(d.getRouterCostNanoUsd()) : "an unknown amount"));
    if (d.hasSignals()) {
      lines.add(signals(d.getSignals()));
    }
    lines.add("asked:");
    d.getPathList().forEach(step -> lines.add(step(step)));
    lines.add("candidates:");
    d.getCandidatesList().forEach(candidate -> lines.add(candidate(candidate)));
    lines.add("plan:");
    d.getPlanList().forEach(step -> lines.add(planStep(step)));
    return String.join("\n", lines);
  }

  private static String signals(Signals s) {
    List<String> facts = new ArrayList<>();
    facts.add(words(s.getTask(), "TASK_"));
    String reasons = String.join(", ", s.getDifficultyCuesList());
    facts.add(
        "difficulty "
            + hundredths(s.getDifficulty())
            + (reasons.isEmpty() ? "" : " (" + reasons + ")"));
    facts.add("about " + s.getInputTokens() + " input tokens");
    addIf(s.getCode(), facts, "with code");
    addIf(s.getMath(), facts, "with math");
    addIf(s.getTools(), facts, "with tools");
    addIf(s.getMedia(), facts, "with media");
    addIf(!s.getLanguage().isEmpty(), facts, "language " + s.getLanguage());
    return "signals: " + String.join(", ", facts);
  }

  private static String step(StrategyStep s) {
    List<String> facts = new ArrayList<>();
    facts.add(words(s.getVerdict(), "VERDICT_") + after(" ", s.getModel()));
    addIf(s.hasConfidence(), facts, "confidence " + hundredths(s.getConfidence()));
    addIf(s.hasDuration(), facts, milliseconds(s.getDuration()));
    addIf(s.hasCostNanoUsd(), facts, usd(s.getCostNanoUsd()));
    return "  " + s.getPath() + " " + String.join(", ", facts) + after(": ", s.getReason());
  }

  private static String candidate(Candidate c) {
    if (c.getExclusionReason() != ExclusionReason.EXCLUSION_REASON_UNSPECIFIED) {
      String reason = words(c.getExclusionReason(), "EXCLUSION_REASON_");
      return "  " + c.getModel() + ": excluded, " + reason + after(": ", c.getExclusionDetail());
    }
    List<String> facts = new ArrayList<>();
    String spread = c.hasQualityUncertainty() ? " ± " + hundredths(c.getQualityUncertainty()) : "";
    addIf(c.hasPredictedQuality(), facts, "quality " + hundredths(c.getPredictedQuality()) + spread);
    addIf(c.hasPredictedCostNanoUsd(), facts, usd(c.getPredictedCostNanoUsd()));
    addIf(
        c.hasPredictedTimeToFirstToken(),
        facts,
        "first token in " + milliseconds(c.getPredictedTimeToFirstToken()));
    addIf(c.hasScore(), facts, "score " + hundredths(c.getScore()));
    addIf(facts.isEmpty(), facts, "nothing is predicted");
    return "  " + c.getModel() + ": " + String.join(", ", facts);
  }

  private static String planStep(PlanStep s) {
    String condition =
        switch (s.getKind()) {
          case STEP_KIND_ESCALATION -> " if rejected";
          case STEP_KIND_FALLBACK -> " if failed";
          default -> "";
        };
    String mode =
        s.getStreamMode() == StreamMode.STREAM_MODE_UNSPECIFIED ? "" : words(s.getStreamMode(), "STREAM_MODE_");
    return "  " + s.getModel() + condition + after(", check ", s.getCheck()) + after(", ", mode);
  }

  private static void addIf(boolean known, List<String> facts, String fact) {
    if (known) {
      facts.add(fact);
    }
  }

  /** A separator before a text that is not empty. */
  private static String after(String separator, String text) {
    return text.isEmpty() ? "" : separator + text;
  }

  /** "timed out" for VERDICT_TIMED_OUT, and "unknown" for a value of a newer server. */
  private static String words(Enum<?> value, String prefix) {
    String name = value.name();
    return name.startsWith(prefix)
        ? name.substring(prefix.length()).replace('_', ' ').toLowerCase(Locale.ROOT)
        : "unknown";
  }

  /** Rounds half up to two decimals, by the same arithmetic in every language. */
  private static String hundredths(double value) {
    return BigDecimal.valueOf((long) Math.floor(value * 100 + 0.5), 2).toPlainString();
  }

  /** Drops what is below a microsecond. */
  private static String milliseconds(Duration duration) {
    return decimal(duration.getSeconds() * 1_000_000 + duration.getNanos() / 1_000, 3) + " ms";
  }

  private static String usd(long nano) {
    return decimal(nano, 9) + " USD";
  }

  /** Writes units of 10^-places exactly, without trailing zeros. */
  private static String decimal(long units, int places) {
    return BigDecimal.valueOf(units, places).stripTrailingZeros().toPlainString();
  }
}
