"""`danqing bench`: how fast, how soon and with how much memory danqing paints, beside diffusers on the same weights and the same machine."""

from danqing.studio.bench.report import Report, Row, Section, report_json, report_text
from danqing.studio.bench.run import main, run_bench
from danqing.studio.bench.settings import BenchSettings

__all__ = ["BenchSettings", "Report", "Row", "Section", "main", "report_json", "report_text", "run_bench"]
