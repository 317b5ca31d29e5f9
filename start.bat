@echo off
rem danqing on Windows: double-click, or `start.bat "a red fox in the snow"` in a terminal.
setlocal
cd /d "%~dp0"

set "PY="
for %%V in (3.13 3.12 3.11) do if not defined PY (py -%%V -c "" >nul 2>nul && set "PY=py -%%V")
if not defined PY (python -c "" >nul 2>nul && set "PY=python")
if not defined PY (
    echo danqing needs Python 3.11, 3.12 or 3.13: install one from https://www.python.org and start this again.
    pause
    exit /b 2
)

%PY% tools\setup_venv.py
if errorlevel 1 (
    pause
    exit /b 2
)

if "%~1"=="" (
    .venv\Scripts\danqing.exe paint "1girl, long green hair, glasses, smile, orange background" --seed 7
    pause
) else (
    .venv\Scripts\danqing.exe paint %*
)
